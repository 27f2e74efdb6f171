"""What was read and what is doubtful, in the words of the page that corrects it: its fields instead of options."""

from __future__ import annotations

import re

from marketdata.importing.base.refusals import Doubt

FIELDS = {
    "tz": "Time zone",
    "label": "A stamp names",
    "date-order": "Date order",
    "decimal": "Decimal mark",
    "scale": "Prices divided by",
    "symbol": "Symbol",
    "only": "Only rows with",
    "as-is": "Take stamps and prices as they are",
    "mapping": "Mapping",
    "prices": "Prices",
}
"""A command's option → the field of the same meaning."""
ADVICE = {
    "tz": "give “Time zone”, e.g. America/New_York, UTC, or America/New_York+07:00 for a server's clock",
    "label": "choose what “A stamp names”: the minute's start or its end",
    "date-order": "choose “Date order”",
    "decimal": "choose “Decimal mark”",
    "scale": "give “Prices divided by”, e.g. 10000, or 1000000000 for units of 1e-9",
    "symbol": "give its “Symbol” here",
    "only": "give “Only rows with”, e.g. {choice}, or export consolidated bars",
    "as-is": "where they are right choose “Take stamps and prices as they are”",
}
ODD = ("tz", "scale")
"""Doubts about what is merely odd: it can be taken as it is."""
OPTION = re.compile(rf"--({'|'.join(FIELDS)})(?![\w-])")
REASON = re.compile(rf"\(--(?:{'|'.join(FIELDS)})\)")


def question(doubt: Doubt) -> str:
    """What is doubtful, and which field answers it."""
    advice = ADVICE[doubt.option].format(choice=doubt.choices[0] if doubt.choices else "COLUMN=VALUE")
    odd = ", or “Take stamps and prices as they are”" if doubt.option in ODD and "--as-is" in str(doubt) else ""
    where = "" if doubt.option == "symbol" else " below"
    return f"{doubt.what}: {advice}{odd}{where}."


def on_page(text: str) -> str:
    """An option's name becomes its field's; as a reason, zone UTC (--tz), it says that a person gave the value."""
    return OPTION.sub(lambda found: f"“{FIELDS[found[1]]}”", REASON.sub("(given)", text))
