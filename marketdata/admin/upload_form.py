"""What a person may correct of what was read in an upload."""

from __future__ import annotations

from typing import Any

from django import forms

from marketdata.errors import MarketDataError
from marketdata.importing import mappings
from marketdata.importing.base.file_form import PRICE_MODES, demanded
from marketdata.importing.base.zones import ZONE_FORM, parse_zone
from marketdata.store import require_exchange
from marketdata.symbols import SYMBOL_FORM, is_symbol

PRICE_WORDS = {"raw": "as traded", "split": "adjusted for splits", "all": "adjusted for splits and dividends"}
AS_READ = ("", "as detected")
DATASET_FORM = "letters, digits, - and _"


class AnswersForm(forms.Form):
    """Empty fields are detected."""

    dataset = forms.SlugField(max_length=64, help_text="Where the days go; made where there is none.")
    tz = forms.CharField(
        required=False, max_length=64, label="Time zone", help_text=f"Of stamps that carry none, {ZONE_FORM}."
    )
    label = forms.ChoiceField(
        required=False,
        choices=[AS_READ, ("start", "the minute's start"), ("end", "the minute's end")],
        label="A stamp names",
    )
    date_order = forms.ChoiceField(
        required=False,
        choices=[AS_READ, ("mdy", "month, day"), ("dmy", "day, month"), ("ymd", "year, month, day")],
    )
    decimal = forms.ChoiceField(required=False, choices=[AS_READ, (".", "point"), (",", "comma")], label="Decimal mark")
    scale = forms.FloatField(required=False, min_value=0, label="Prices divided by")
    prices = forms.ChoiceField(
        required=False,
        choices=[("", "as traded, or as a file says"), *((mode, PRICE_WORDS[mode]) for mode in PRICE_MODES)],
    )
    only = forms.CharField(required=False, max_length=200, label="Only rows with", help_text="COLUMN=VALUE,…")
    calendar = forms.CharField(
        required=False, max_length=8, label="Calendar of new symbols", help_text="XNYS, XLON, XTKS, 24/7 …"
    )
    mapping = forms.ChoiceField(required=False)
    as_is = forms.BooleanField(required=False, label="Take stamps and prices as they are, however odd")
    keep_as = forms.SlugField(
        required=False, max_length=64, label="Keep as a mapping", help_text="A name for zone, label, order and scale."
    )

    def __init__(self, *args: Any, files: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = files
        kept = [(name, name) for name in mappings.names()]
        self.fields["mapping"].choices = [("", "none"), *kept]  # type: ignore[attr-defined]

    def clean_tz(self) -> str:
        return _valid(self.cleaned_data["tz"].strip(), parse_zone, ValueError)

    def clean_only(self) -> dict[str, str]:
        text = self.cleaned_data["only"].strip()
        try:
            return demanded(text) if text else {}
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_calendar(self) -> str:
        return _valid(self.cleaned_data["calendar"].strip(), require_exchange, MarketDataError)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        symbols = {}
        for number, name in enumerate(self.names):
            symbol = self.data.get(f"symbol-{number}", "").strip()
            if symbol and not is_symbol(symbol):
                raise forms.ValidationError(f"{name}: {symbol!r} is not a symbol: {SYMBOL_FORM}.")
            if symbol:
                symbols[name] = symbol
        found["symbols"] = symbols
        return found


def _valid(text: str, check: Any, error: type[Exception]) -> str:
    try:
        if text:
            check(text)
    except error as problem:
        raise forms.ValidationError(str(problem)) from None
    return text
