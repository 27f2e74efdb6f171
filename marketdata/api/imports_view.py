"""`/api/imports/` and `/api/data/`: what came into the store by which import, undone, and days deleted."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.api.queries import StrictSerializer, query_of
from marketdata.models import Import, ImportedDay
from marketdata.removal import removal_queue
from marketdata.removal.deleting import CannotRemove, delete_data, named
from marketdata.removal.removal_queue import MOST_AT_ONCE, Removal
from marketdata.removal.undoing import days_of, undo_import

PAGE, MOST = 100, 5_000
NUMBER = OpenApiParameter("number", int, OpenApiParameter.PATH, description="The import's.")
LONGEST_NUMBER = 18


class Conflict(exceptions.APIException):
    """Something needs what is asked to go."""

    status_code = 409


class Unavailable(exceptions.APIException):
    """No worker can be asked."""

    status_code = 503


class CanViewImports(BasePermission):
    message = "This needs the permission marketdata.view_import."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("marketdata.view_import"))


class CanUndoImports(BasePermission):
    message = "This needs the permission marketdata.delete_import."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("marketdata.delete_import"))


class CanDeleteDays(BasePermission):
    message = "This needs the permission marketdata.delete_dayversion."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("marketdata.delete_dayversion"))


class ImportsQuery(StrictSerializer):
    dataset = serializers.CharField(required=False, max_length=64, help_text="Only imports into this dataset.")
    limit = serializers.IntegerField(
        default=PAGE, min_value=1, max_value=MOST, help_text="At most so many, newest first."
    )


class DaysQuery(StrictSerializer):
    symbol = serializers.CharField(required=False, max_length=64, help_text="Only this symbol's days.")
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=MOST)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=10**9)


class ImportSerializer(serializers.ModelSerializer[Import]):
    number = serializers.IntegerField(source="pk", read_only=True)
    dataset = serializers.CharField(source="dataset_name", read_only=True)
    figures = serializers.DictField(help_text="Files, and rows by what became of them.")

    class Meta:
        model = Import
        fields = ["number", "dataset", "state", "source", "by", "started_at", "ended_at", "undone_at", "figures"]


class ImportsSerializer(serializers.Serializer[Any]):
    imports = ImportSerializer(many=True)


class ImportedDaySerializer(serializers.ModelSerializer[ImportedDay]):
    version = serializers.IntegerField(source="day_id", allow_null=True, help_text="The row of the version it wrote.")

    class Meta:
        model = ImportedDay
        fields = [
            *("symbol", "date", "kind", "scope", "version"),
            *("inserted", "unchanged", "revised", "outside", "rejected"),
        ]


class OneImportSerializer(ImportSerializer):
    decisions = serializers.ListField(child=serializers.DictField(), help_text="How the files were read, and why.")
    days = ImportedDaySerializer(many=True)

    class Meta(ImportSerializer.Meta):
        fields = [*ImportSerializer.Meta.fields, "decisions", "days"]


class UndoRequest(StrictSerializer):
    dry_run = serializers.BooleanField(default=False, help_text="Say what would happen, and change nothing.")
    where_possible = serializers.BooleanField(default=False, help_text="Undo the days that nothing stands in front of.")


class UndoneSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    dataset = serializers.CharField()
    restored = serializers.IntegerField(help_text="Days whose version before is current again.")
    removed = serializers.IntegerField(help_text="Days that are gone.")
    kept = serializers.ListField(child=serializers.CharField(), help_text="Why other days stay.")
    dry_run = serializers.BooleanField()


class DataQuery(StrictSerializer):
    dataset = serializers.CharField(max_length=64)
    symbol = serializers.CharField(required=False, max_length=32, help_text="Only this symbol's days.")
    date = serializers.DateField(required=False, help_text="Only this day; with `until` the first of several.")
    until = serializers.DateField(required=False, help_text="The last day, included.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "until" in attrs and "date" not in attrs:
            raise serializers.ValidationError({"until": ["until needs date, the first day."]})
        return attrs


class DeleteQuery(DataQuery):
    dry_run = serializers.BooleanField(default=False, help_text="Say what would be deleted, and delete nothing.")


class DeletedSerializer(serializers.Serializer[Any]):
    dataset = serializers.CharField()
    symbols = serializers.ListField(child=serializers.CharField())
    first = serializers.DateField(allow_null=True)
    last = serializers.DateField(allow_null=True)
    versions = serializers.IntegerField(help_text="Of every kind.")
    rows = serializers.IntegerField()
    whole_dataset = serializers.BooleanField()
    dry_run = serializers.BooleanField()


class RemovalSerializer(serializers.Serializer[Removal]):
    """An undo or a deletion of so many days that a worker does it. Nothing is changed before it is `done`."""

    state = serializers.ChoiceField(["waiting", "working", "done", "failed", "lost"])
    all_days = serializers.IntegerField(help_text="Versions of days that it is about.")
    done_days = serializers.IntegerField(help_text="How many of them are done.")
    said = serializers.CharField(help_text="What came of it, or what stood in the way.")

    def to_representation(self, instance: Removal) -> dict[str, Any]:
        return {**super().to_representation(instance), **({"state": "lost"} if instance.lost else {})}


class ImportsView(APIView):
    permission_classes = [IsAuthenticated, CanViewImports]

    @extend_schema(operation_id="imports_list", parameters=[ImportsQuery], responses=ImportsSerializer)
    def get(self, request: Request) -> Response:
        """Imports, newest first, with their figures."""
        form = ImportsQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        rows = Import.objects.all()
        if "dataset" in form.validated_data:
            rows = rows.filter(dataset_name=form.validated_data["dataset"])
        return Response(ImportsSerializer({"imports": rows[: form.validated_data["limit"]]}).data)


class OneImportView(APIView):
    permission_classes = [IsAuthenticated, CanViewImports]

    @extend_schema(parameters=[NUMBER, DaysQuery], responses=OneImportSerializer)
    def get(self, request: Request, number: str) -> Response:
        """One import: how its files were read, and what it did to each symbol's day."""
        form = DaysQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        made = _find(number)
        days = made.days.all()
        if "symbol" in asked:
            days = days.filter(symbol__iexact=asked["symbol"])
        shown = days[asked["offset"] : asked["offset"] + asked["limit"]]
        head = ImportSerializer(made).data
        return Response({**head, "decisions": made.decisions, "days": ImportedDaySerializer(shown, many=True).data})


class UndoView(APIView):
    permission_classes = [IsAuthenticated, CanUndoImports]

    @extend_schema(parameters=[NUMBER], responses=RemovalSerializer)
    def get(self, request: Request, number: str) -> Response:
        """How far a worker is with an undo of many days, or what came of it within a day."""
        return _how_far("undo", _find(number).pk)

    @extend_schema(parameters=[NUMBER], request=UndoRequest, responses={200: UndoneSerializer, 202: RemovalSerializer})
    def post(self, request: Request, number: str) -> Response:
        """Undo an import: what was current before is current again. 409 says what stands in the way.

        Of more than 5,000 days a worker does it: 202, and `GET` says how far it is.
        """
        form = UndoRequest(data=request.data)
        form.is_valid(raise_exception=True)
        made, asked = _find(number), form.validated_data
        if not asked["dry_run"] and (days := days_of(made)) > MOST_AT_ONCE:
            return _handed_over(request.path, "undo", (made.pk,), days, made.pk, asked["where_possible"])
        try:
            undone = undo_import(made.pk, **asked)
        except CannotRemove as error:
            raise _conflict(error, "undo the other days with where_possible") from None
        found = {name: value for name, value in undone.as_dict().items() if name != "import"}
        return Response({"number": undone.number, **found, "dry_run": asked["dry_run"]})


class DataView(APIView):
    permission_classes = [IsAuthenticated, CanDeleteDays]

    @extend_schema(operation_id="data_removal", parameters=[DataQuery], responses=RemovalSerializer)
    def get(self, request: Request) -> Response:
        """How far a worker is with a deletion of many days, or what came of it within a day."""
        form = DataQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        return _how_far("delete", *_place(form.validated_data))

    @extend_schema(parameters=[DeleteQuery], responses={200: DeletedSerializer, 202: RemovalSerializer})
    def delete(self, request: Request) -> Response:
        """Delete a dataset, a symbol of it, or days, for good. 409 says which session needs a day of it.

        Of more than 5,000 versions of days a worker does it: 202, and `GET` says how far it is.
        """
        form = DeleteQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        place = _place(asked)
        try:
            if not asked["dry_run"] and (days := named(*place).versions) > MOST_AT_ONCE:
                texts = [str(value) if value else "" for value in place]
                query = {name: text for name, text in zip(DataQuery().fields, texts, strict=True) if text}
                return _handed_over(f"{request.path}?{urlencode(query)}", "delete", place, days, *texts)
            deleted = delete_data(*place, dry_run=asked["dry_run"])
        except CannotRemove as error:
            raise _conflict(error) from None
        return Response({**deleted.as_dict(), "dry_run": asked["dry_run"]})


def _place(asked: dict[str, Any]) -> tuple[Any, ...]:
    return asked["dataset"], asked.get("symbol", ""), asked.get("date"), asked.get("until")


def _how_far(verb: str, *names: object) -> Response:
    removal = removal_queue.find(verb, *names)
    if removal is None:
        raise exceptions.NotFound("No worker is at it, nor was one within a day.")
    return Response(RemovalSerializer(removal).data)


def _handed_over(address: str, verb: str, names: tuple[object, ...], days: int, *args: object) -> Response:
    """To a worker, once."""
    removal = removal_queue.find(verb, *names)
    if removal is None or not removal.working:
        if problem := removal_queue.queue(verb, (verb, *names), days, *args):
            raise Unavailable(problem)
        removal = removal_queue.find(verb, *names)
    return Response(RemovalSerializer(removal).data, status=202, headers={"Location": address})


def _conflict(error: CannotRemove, partly: str = "") -> Conflict:
    """The refusal with the requests that clear the way."""
    ways = ["delete the sessions with DELETE /api/sessions/{id}/"] if error.sessions else []
    ways += [partly] if error.partly and partly else []
    advice = ", or ".join(ways)
    return Conflict(f"{error} {advice[0].upper()}{advice[1:]}." if advice else str(error))


def _find(number: str) -> Import:
    made = Import.objects.filter(pk=int(number)).first() if len(number) <= LONGEST_NUMBER else None
    if made is None:
        raise exceptions.NotFound(f"There is no import {number}.")
    return made
