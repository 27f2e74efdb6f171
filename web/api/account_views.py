"""The accounts of a session: where they stand, their executions, their equity over time."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from broker import accounts, reports, service
from broker.accounts import AccountError, Opening
from broker.configurations import MULTIPLIERS
from broker.equity import equity_at
from broker.matching.orders import plain_text
from broker.matching.terms import OnBars, Profile, Terms
from broker.models import Account
from broker.refusals import Kind, Refusal
from broker.standing import await_published
from marketdata.api.queries import StrictSerializer, query_of
from marketdata.units import MINUTE_MS
from sessions.models import Session
from streaming.as_of.newest_frame import clock_ms
from web.api.permissions import AccountPermissions, visible_accounts
from web.equity_instants import instants
from web.holders import OPEN_ACCOUNT

STATUS = {
    Kind.FORMAT: HTTPStatus.BAD_REQUEST,
    Kind.RULE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.FORBIDDEN: HTTPStatus.CONFLICT,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Refused(APIException):
    """What the broker refuses, as a problem."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.status_code = STATUS[refusal.kind]
        self.figures = refusal.extras


class AccountView(APIView):
    permission_classes = [IsAuthenticated, AccountPermissions]

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Refusal):
            exc = Refused(exc)
        elif isinstance(exc, AccountError):
            exc = serializers.ValidationError([str(exc)])
        return super().handle_exception(exc)

    @staticmethod
    def account(pk: int, name: str) -> Account:
        return get_object_or_404(Account.objects.select_related("session__run"), session=pk, name=name)


class OpeningSerializer(StrictSerializer):
    name = serializers.CharField(default="", allow_blank=True, max_length=64)
    cash = serializers.DecimalField(default=accounts.DEFAULT_CASH, max_digits=16, decimal_places=2)
    multiplier = serializers.ChoiceField(choices=accounts.MULTIPLIERS, default=2)
    shorting = serializers.BooleanField(default=True)
    profile = serializers.ChoiceField(choices=list(Profile), default=Profile.REALISTIC)
    stale_seconds = serializers.DecimalField(default=Decimal(60), max_digits=12, decimal_places=3)
    participation = serializers.DecimalField(default=Decimal("0.1"), max_digits=10, decimal_places=9)
    penetration = serializers.IntegerField(default=1)
    slippage = serializers.IntegerField(default=0)
    on_bars = serializers.ChoiceField(choices=list(OnBars), default=OnBars.NEXT_OPEN)
    latency_ms = serializers.IntegerField(default=0)
    seed = serializers.IntegerField(default=0)

    def opening(self) -> Opening:
        given = dict(self.validated_data)
        kept = {name: given.pop(name) for name in ("name", "cash", "multiplier", "shorting")}
        return Opening(**kept, terms=Terms.of(given))


class PositionSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    qty = serializers.CharField(help_text="Shares; short ones are negative.")
    available = serializers.CharField(help_text="Shares that no open order holds.")
    average_entry = serializers.CharField()
    price = serializers.CharField()
    market_value = serializers.CharField()
    unrealized = serializers.CharField()


class SettingsSerializer(StrictSerializer):
    """What the account's owner sets. It holds from now on and goes back with the clock."""

    suspend_trade = serializers.BooleanField(required=False, help_text="New orders are refused.")
    no_shorting = serializers.BooleanField(required=False)
    fractional_trading = serializers.BooleanField(required=False)
    max_margin_multiplier = serializers.ChoiceField(choices=MULTIPLIERS, required=False)


class AccountSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    session = serializers.IntegerField()
    number = serializers.CharField()
    clock = serializers.DateTimeField(help_text="Nothing here is later.")
    cash = serializers.CharField()
    equity = serializers.CharField()
    last_equity = serializers.CharField(help_text="At the close of the day before.")
    buying_power = serializers.CharField()
    initial_margin = serializers.CharField()
    maintenance_margin = serializers.CharField()
    multiplier = serializers.IntegerField()
    terms = serializers.DictField()
    settings = SettingsSerializer(help_text="Of its owner.")
    positions = PositionSerializer(many=True)
    open_orders = serializers.IntegerField()
    events = serializers.IntegerField(help_text="So many of its events are in this; streams number them.")


class AccountsView(AccountView):
    changing = OPEN_ACCOUNT

    @extend_schema(operation_id="accounts_list", responses=AccountSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The session's accounts as of its clock; with a broker key its own."""
        get_object_or_404(Session, pk=pk)
        return Response([reports.account(row) for row in visible_accounts(pk, request.auth)])

    @extend_schema(operation_id="accounts_create", request=OpeningSerializer, responses={201: AccountSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Open an account at the session's clock."""
        session = get_object_or_404(Session.objects.with_run(), pk=pk)
        form = OpeningSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        row = accounts.create(session, form.opening(), by=request.user.get_username())
        return Response(reports.account(row), status=status.HTTP_201_CREATED)


class OneAccountView(AccountView):
    @extend_schema(operation_id="accounts_retrieve", responses=AccountSerializer)
    def get(self, request: Request, pk: int, name: str) -> Response:
        """One account as of the session's clock."""
        return Response(reports.account(self.account(pk, name)))

    @extend_schema(operation_id="accounts_settings", request=SettingsSerializer, responses=AccountSerializer)
    def patch(self, request: Request, pk: int, name: str) -> Response:
        """Change what its owner sets; what is left out stays as it is."""
        row = self.account(pk, name)
        form = SettingsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data:
            service.configure(row.pk, dict(form.validated_data))
        return Response(reports.account(row))


class ExecutionsView(AccountView):
    @extend_schema(
        operation_id="account_executions_list",
        parameters=[OpenApiParameter("form", str, enum=["json", "csv"], description="Default: json.")],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, pk: int, name: str) -> Response | HttpResponse:
        """Every execution with its basis and what it met, the oldest first."""
        form = request.query_params.get("form", "json")
        if form not in ("json", "csv"):
            raise serializers.ValidationError({"form": [f"{form!r} is not one of json, csv."]})
        rows = reports.executions(self.account(pk, name))
        if form == "json":
            return Response(rows)
        return HttpResponse(reports.executions_csv(rows), content_type="text/csv; charset=utf-8")


class ActivitySerializer(serializers.Serializer[Any]):
    time = serializers.CharField()
    kind = serializers.CharField(help_text="CSD (the opening cash), FEE, DIV or SPLIT.")
    amount = serializers.CharField(help_text="Of the cash.")
    symbol = serializers.CharField(allow_blank=True)
    qty = serializers.CharField(help_text="Shares by a split, and those that a dividend was paid for.")
    per_share = serializers.CharField(help_text="Of a dividend.")
    note = serializers.CharField()


class ActivitiesView(AccountView):
    @extend_schema(operation_id="account_activities_list", responses=ActivitySerializer(many=True))
    def get(self, request: Request, pk: int, name: str) -> Response:
        """What changed the account's cash or shares without a trade, the oldest first."""
        return Response(reports.activities(self.account(pk, name)))


class EquityQuery(StrictSerializer):
    minutes = serializers.IntegerField(default=1, min_value=1, max_value=390, help_text="Between two points.")


class EquityView(AccountView):
    @extend_schema(operation_id="account_equity", parameters=[EquityQuery], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int, name: str) -> Response:
        """The account's equity within trading hours, from its opening to the clock."""
        form = EquityQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        row = self.account(pk, name)
        await_published(row.pk)
        moments = instants(row, clock_ms(row.session), form.validated_data["minutes"] * MINUTE_MS)
        values = equity_at(row, row.session, moments)
        return Response(
            [{"time": reports.stamp(at), "equity": plain_text(v)} for at, v in zip(moments, values, strict=True)]
        )
