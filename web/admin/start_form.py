"""The admin's form that starts a session."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from marketdata.errors import MarketDataError
from marketdata.hours import Hours
from marketdata.models import Dataset
from sessions.models import Session, StreamType
from streaming.base.stream_types import words
from streaming.starts import service
from streaming.starts.error import StartError
from streaming.starts.request import StartRequest

if TYPE_CHECKING:
    SessionForm = forms.ModelForm[Session]
else:
    SessionForm = forms.ModelForm


def provider_choices() -> list[tuple[str, str]]:
    return [("", "the dataset's own"), *((name, name) for name in settings.MARKETDATA_PROVIDERS)]


def date_widget() -> forms.DateInput:
    """The browser's own date field; the page's calendar fills it in."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": " ".join(INPUT_CLASSES)})


class SessionStartForm(SessionForm):
    """A `StartRequest` as a form.

    The service alone judges what can be started, so it is asked while the form is checked and its refusal goes to
    the field that it is about. The admin wraps the whole view in a transaction: a page with errors leaves no rows.
    """

    prefix = "start"  # unfold takes any posted field named "dataset" for its own
    created_by = ""

    symbols = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Separated by spaces or commas, e.g. AAPL MSFT.",
    )
    dataset = forms.ModelChoiceField(
        Dataset.objects.all(),
        required=False,
        empty_label="the best that has the symbols",
        widget=UnfoldAdminSelectWidget,
        help_text="The best: real before synthetic, then the most complete.",
    )
    provider = forms.ChoiceField(
        required=False,
        choices=provider_choices,
        widget=UnfoldAdminSelectWidget,
        help_text="Fetches the days that the store lacks.",
    )
    date = forms.DateField(
        required=False, widget=date_widget(), help_text="First day. Empty: the latest day with all the symbols."
    )
    until = forms.DateField(required=False, widget=date_widget(), help_text="Last day. Empty: one day only.")
    speed = forms.FloatField(
        initial=60.0,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="Market seconds per second; 0 is as fast as possible.",
    )
    paused = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="Stand at the first open until it is resumed."
    )
    derive = forms.CharField(
        required=False,
        initial="5m, 15m",
        widget=UnfoldAdminTextInputWidget,
        help_text="Wider bars made from the minutes.",
    )
    as_known = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Replay each version of a day from when the market knew it; else the newest.",
    )
    types = forms.MultipleChoiceField(
        choices=[(kind.value, words(kind).many) for kind in StreamType],
        required=False,
        initial=[StreamType.BARS],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What is streamed of each symbol; trades and quotes where the dataset has them.",
    )

    hours = forms.ChoiceField(
        choices=Hours.choices,
        required=False,
        initial=Hours.REGULAR,
        widget=UnfoldAdminSelectWidget,
        help_text="Extended: from 04:00 to 20:00 New York, on half days to 17:00, as far as the dataset has them.",
    )

    class Meta:
        model = Session
        fields = ["name", "dataset", "speed"]
        widgets = {"name": UnfoldAdminTextInputWidget}

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if self.errors:
            return given
        try:
            self.started = service.create(self._request(given))
        except StartError as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
        except MarketDataError as error:
            self.add_error(None, str(error))
        return given

    def _request(self, given: dict[str, Any]) -> StartRequest:
        dataset: Dataset | None = given["dataset"]
        first: dt.date | None = given["date"]
        return StartRequest(
            symbols=split(given["symbols"]),
            date=first,
            until=given["until"],
            speed=given["speed"],
            paused=given["paused"],
            derive=split(given["derive"]),
            types=tuple(given["types"]) or (StreamType.BARS,),
            dataset=dataset.name if dataset else "",
            provider=given["provider"],
            name=given["name"],
            as_known=given["as_known"],
            hours=given["hours"] or Hours.REGULAR,
            created_by=self.created_by,
        )

    def save(self, commit: bool = True) -> Session:
        return self.started

    def save_m2m(self) -> None:
        """The admin calls it after `save`; the service has written every row."""


def split(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())
