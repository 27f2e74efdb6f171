"""The store door: every stored bar, for those who may see what a session must not.

Answers are made from the days' column arrays; nothing here makes an object per bar.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.errors import BadInterval
from marketdata.intervals import parse_interval
from marketdata.models import BarDay, Dataset, Scope

MOST_BARS = 50_000
"""An answer's cap: about 8 MB of JSON, half a second of work."""
COLUMNS = ("offset", "open", "high", "low", "close", "volume", "trade_count", "vwap")
Moment = dt.date | dt.datetime


class StrictSerializer(serializers.Serializer[Any]):
    """Input whose misspelled fields are refused by name, not passed over in silence."""

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
        return found


class BarsQuery(StrictSerializer):
    symbol = serializers.CharField(max_length=16)
    interval = serializers.CharField(default="1m")
    start = MomentField(required=False, help_text="First day or moment; default: the latest stored day.")
    end = MomentField(required=False, help_text="Last day (inclusive) or moment (exclusive).")
    dataset = serializers.CharField(required=False, help_text="Default: real before synthetic, then the most days.")
    scope = serializers.ChoiceField(choices=Scope.choices, default=Scope.REGULAR)

    def validate_symbol(self, symbol: str) -> str:
        return symbol.upper()

    def validate_interval(self, interval: str) -> str:
        try:
            parse_interval(interval)
        except BadInterval as error:
            raise serializers.ValidationError(str(error)) from error
        return interval

    def validate_dataset(self, name: str) -> str:
        names = list(Dataset.objects.values_list("name", flat=True))
        if name not in names:
            known = ", ".join(names) or "none yet"
            raise serializers.ValidationError(f"There is no dataset {name!r}: there are {known}.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs.get("start"), attrs.get("end")
        if start and end and _date(end) < _date(start):
            raise serializers.ValidationError({"end": [f"The window ends ({end}) before it starts ({start})."]})
        return attrs


class BarRowSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.IntegerField(allow_null=True)
    trade_count = serializers.IntegerField(allow_null=True)
    vwap = serializers.FloatField(allow_null=True)


class BarsSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    interval = serializers.CharField()
    dataset = serializers.CharField()
    synthetic = serializers.BooleanField()
    count = serializers.IntegerField()
    bars = BarRowSerializer(many=True)


class CanViewBars(BasePermission):
    message = "Stored bars lie ahead of a running session's clock: this needs the permission marketdata.view_bar."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("marketdata.view_bar"))


class BarsView(APIView):
    permission_classes = [IsAuthenticated, CanViewBars]

    @extend_schema(parameters=[BarsQuery], responses=BarsSerializer)
    def get(self, request: Request) -> Response:
        """Stored bars of one symbol, oldest first, from the current version of each day."""
        form = BarsQuery(data=request.query_params)
        form.is_valid(raise_exception=True)
        window = Window(**form.validated_data)
        days, dataset = window.days()
        bars = [bar for day in days for bar in window.bars(day)]
        told = {"symbol": window.symbol, "interval": window.interval, "dataset": dataset.name}
        return Response(told | {"synthetic": dataset.synthetic, "count": len(bars), "bars": bars})


@dataclass(frozen=True)
class Window:
    """Which bars are asked for."""

    symbol: str
    interval: str
    scope: str
    start: Moment | None = None
    end: Moment | None = None
    dataset: str = ""

    def days(self) -> tuple[list[tuple[Any, ...]], Dataset]:
        """The window's days as rows of columns, and the one dataset that they are from."""
        rows = BarDay.objects.current().filter(instrument__symbol=self.symbol, interval=self.interval, scope=self.scope)
        dataset = self._choose(rows)
        found = self._within(rows.filter(dataset=dataset))
        self._refuse_too_many(found)
        return list(found.order_by("date").values_list("open_at", "close_at", *COLUMNS)), dataset

    def _choose(self, rows: QuerySet[BarDay]) -> Dataset:
        if self.dataset:
            return Dataset.objects.get(name=self.dataset)
        best = self._best(self._within(rows)) if self.start or self.end else None
        best = best or self._best(rows)
        if best is None:
            raise serializers.ValidationError(
                {
                    "symbol": [
                        f"No dataset has {self.interval} bars of {self.symbol}: import some, or look in the admin."
                    ]
                }
            )
        return Dataset.objects.get(pk=best)

    def _best(self, rows: QuerySet[BarDay]) -> int | None:
        counted = rows.order_by().values("dataset").annotate(days=Count("pk"))
        best = counted.order_by("dataset__synthetic", "-days", "dataset").first()
        return best["dataset"] if best else None

    def _within(self, rows: QuerySet[BarDay]) -> QuerySet[BarDay]:
        """Whole days; a day more at each end for moments, as UTC and the exchange's date may differ."""
        if self.start is None and self.end is None:
            latest = rows.order_by("-date").values("date")[:1]
            return rows.filter(date=latest)
        if self.start is not None:
            rows = rows.filter(date__gte=_date(self.start) - _slack(self.start))
        if self.end is not None:
            rows = rows.filter(date__lte=_date(self.end) + _slack(self.end))
        return rows

    def _refuse_too_many(self, rows: QuerySet[BarDay]) -> None:
        count = rows.aggregate(bars=Sum("bar_count"))["bars"] or 0
        if count > MOST_BARS:
            first = rows.order_by("date").values_list("date", flat=True)[0]
            raise serializers.ValidationError(
                {
                    "end": [
                        f"The window from {first} on holds {count:,} bars of {self.symbol}: an answer has at most "
                        f"{MOST_BARS:,}. Ask for it in pieces, e.g. a month at a time."
                    ]
                }
            )

    def bars(self, day: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
        opened, closed, offsets, *prices = day
        width = parse_interval(self.interval) * 60
        base, last = int(opened.timestamp()), int(closed.timestamp())
        after, before = _second(self.start), _second(self.end)
        columns = [column or [None] * len(offsets) for column in prices]
        for offset, *values in zip(offsets, *columns, strict=True):
            start = base + offset
            if (after is None or start >= after) and (before is None or start < before):
                end = min(start + width, last) if self.scope == Scope.REGULAR else start + width
                yield {"start": _utc(start), "end": _utc(end), **dict(zip(COLUMNS[1:], values, strict=True))}


def _date(moment: Moment) -> dt.date:
    return moment.astimezone(dt.UTC).date() if isinstance(moment, dt.datetime) else moment


def _slack(moment: Moment) -> dt.timedelta:
    return dt.timedelta(days=1 if isinstance(moment, dt.datetime) else 0)


def _second(moment: Moment | None) -> float | None:
    """A moment's second; a date bounds whole days and no seconds."""
    return moment.timestamp() if isinstance(moment, dt.datetime) else None


def _utc(second: int) -> str:
    return dt.datetime.fromtimestamp(second, dt.UTC).isoformat().replace("+00:00", "Z")
