"""The API against its own schema: whatever is sent, no 500, and every answer is what the schema says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework.authtoken.models import Token
from rest_framework.renderers import JSONRenderer
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from sessions.models import Session
from tests.streaming.rows import a_session

EXAMPLES = 10
"""Per address, method and mode: the suite's time is bounded."""
load_all_checks()
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]


def api_schema() -> Any:
    """As `/api/schema/` serves it."""
    report = json.loads(JSONRenderer().render(SchemaGenerator().get_schema(public=True)))
    schema = schemathesis.openapi.from_dict(report)
    schema.app = get_wsgi_application()
    return schema


def test_every_operation_says_what_it_does() -> None:
    schema = SchemaGenerator().get_schema(public=True)
    said = {
        f"{method} {path}": operation
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    texts = {name: one.get("description", "") for name, one in said.items()}
    assert [name for name, one in said.items() if not 3 < len(one["summary"]) < 100] == []
    assert [name for name, text in texts.items() if not text or "view set" in text] == []


def takes_input(operation: Any) -> bool:
    """Whether there is anything to get wrong."""
    reported = operation.schema.raw_schema["paths"][operation.path][operation.method]
    return bool(reported.get("parameters") or reported.get("requestBody"))


SCHEMA = api_schema()
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
MODES = {"as the schema asks": GenerationMode.POSITIVE, "against it": GenerationMode.NEGATIVE}
ASKED = [
    pytest.param(operation, mode, id=f"{label} {how}")
    for label, operation in OPERATIONS.items()
    for how, mode in MODES.items()
    if mode == GenerationMode.POSITIVE or takes_input(operation)
]


@pytest.fixture
def token(db: None) -> Iterator[str]:
    """An administrator's. Requests share the test's connection: nobody closes it between them."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Token.objects.create(user=User.objects.create_superuser("boss")).key
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(("operation", "mode"), ASKED)
def test_every_answer_is_what_the_schema_says(operation: Any, mode: GenerationMode, token: str) -> None:
    """Half of the time about a session that is there."""
    played: Session = a_session("AAPL", "MSFT")
    bounded = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        for name in ("id", "pk"):
            if re.fullmatch("[0-9]+", str(case.path_parameters.get(name))) and len(str(case.path_parameters)) % 2:
                case.path_parameters[name] = played.pk
        case.call_and_validate(checks=CHECKED, headers={"Authorization": f"Token {token}"})

    ask()
