"""What every operation of the OpenAPI schema shares: its errors are problem details."""

import re
from typing import Any

SENTENCE_END = re.compile(r"(?<=[a-z)`])(?:[.;] |: (?=[a-z]))|\n")
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "figures": {
            "type": "object",
            "description": "Of what the broker refuses: what it was measured against.",
            "additionalProperties": True,
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "value", "detail"],
                "properties": {"field": {"type": "string"}, "value": {}, "detail": {"type": "string"}},
            },
        },
    },
}
ANSWER = {
    "description": "Refused: what was wrong and what would be right.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular, run over the finished schema."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = ANSWER
    return result


def add_summaries(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The first sentence of what an operation says of itself is its title in lists."""
    for operations in result["paths"].values():
        for operation in operations.values():
            text = operation.get("description", "").strip()
            operation.setdefault("summary", SENTENCE_END.split(text, maxsplit=1)[0].removesuffix("."))
    return result
