"""What every query of the stored past has in common: strict fields, moments, one symbol's window, the permission."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from marketdata.models import Dataset, Scope
from marketdata.store import spelled
from marketdata.windows.window import Moment, WindowError, date_of

FIRST_YEAR, LAST_YEAR = 1900, 2199


class StrictSerializer(serializers.Serializer[Any]):
    """Input whose misspelled fields are refused by name, not skipped."""

    def to_internal_value(self, data: Any) -> Any:
        known = ", ".join(self.fields)
        unknown = [] if not hasattr(data, "keys") else [name for name in data if name not in self.fields]
        if unknown:
            raise serializers.ValidationError(
                {name: [f"There is no field {name!r}: the fields are {known}."] for name in unknown}
            )
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.STR)
class MomentField(serializers.Field[Moment, Any, str, Any]):
    """A trading day (2024-11-18) or a moment with its offset (2024-11-18T14:30:00Z)."""

    def to_internal_value(self, data: Any) -> Moment:
        text = str(data)
        try:
            found: Moment | None = parse_date(text) or parse_datetime(text)
        except ValueError as error:
            raise serializers.ValidationError(f"{text!r} is no date or time: {error}.") from error
        if found is None:
            raise serializers.ValidationError(
                f"{text!r} is neither a date (2024-11-18) nor a time (2024-11-18T14:30:00Z)."
            )
        if isinstance(found, dt.datetime) and found.tzinfo is None:
            raise serializers.ValidationError(f"{text!r} has no offset: write {text}Z for UTC.")
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise serializers.ValidationError(f"{text!r} is out of range: from {FIRST_YEAR} to {LAST_YEAR}.")
        return found


class WindowQuery(StrictSerializer):
    """What may be asked of one symbol's stored past, whatever its type."""

    symbol = serializers.CharField(max_length=32)
    start = MomentField(required=False, help_text="First day or moment; default: the latest stored day.")
    end = MomentField(required=False, help_text="Last day (inclusive) or moment (exclusive).")
    dataset = serializers.CharField(required=False, help_text="Default: real before synthetic, then the most days.")
    scope = serializers.ChoiceField(choices=Scope.choices, default=Scope.REGULAR)

    def validate_symbol(self, symbol: str) -> str:
        (found,) = spelled([symbol]) or [symbol]
        return found

    def validate_dataset(self, name: str) -> str:
        names = list(Dataset.objects.values_list("name", flat=True))
        if name not in names:
            known = ", ".join(names) or "none yet"
            raise serializers.ValidationError(f"There is no dataset {name!r}: there are {known}.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs.get("start"), attrs.get("end")
        if start and end and date_of(end) < date_of(start):
            raise serializers.ValidationError({"end": [f"The window ends ({end}) before it starts ({start})."]})
        return attrs


class StoredRowsSerializer(serializers.Serializer[Any]):
    """What every answer has, whatever the kind of its rows."""

    symbol = serializers.CharField()
    dataset = serializers.CharField()
    synthetic = serializers.BooleanField()
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="The next page's address; null on the last.")


class CanViewBars(BasePermission):
    message = "Stored bars lie ahead of a running session's clock: this needs the permission marketdata.view_bar."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("marketdata.view_bar"))


def query_of(request: Request) -> dict[str, Any]:
    """What was asked; `format` is the negotiation's."""
    return {name: value for name, value in request.query_params.items() if name != "format"}


def as_problem(error: WindowError) -> serializers.ValidationError:
    return serializers.ValidationError({error.field: [error.message]})


def address_with(request: Request, **changes: str) -> str:
    """The same question with other parameters."""
    url = request.build_absolute_uri()
    for name, value in changes.items():
        url = replace_query_param(url, name, value)
    return str(url)
