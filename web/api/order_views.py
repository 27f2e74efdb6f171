"""Orders of an account: placed, listed, replaced, cancelled."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from broker import reports, service
from broker.entry.order_form import read_order
from broker.entry.replacing import read_changes
from broker.models import Account
from broker.standing import await_published
from marketdata.api.queries import StrictSerializer, query_of
from marketdata.store import spelled
from web.api.account_views import AccountView
from web.api.idempotency import key_of, repeatable
from web.api.order_serializers import SIDES, NewOrderSerializer, OrderChangesSerializer, OrderSerializer

REPEATABLE = repeatable(
    ": a request that is repeated with it, and with its client_order_id, gets the orders that the first one made."
)


class OrdersQuery(StrictSerializer):
    symbol = serializers.CharField(required=False, max_length=32)
    side = serializers.ChoiceField(SIDES, required=False)
    client_order_id = serializers.CharField(required=False, max_length=128)
    before = serializers.UUIDField(required=False, help_text="An order's id: only those that were asked for before it.")
    limit = serializers.IntegerField(default=500, min_value=1, max_value=10_000, help_text="Of more the newest.")

    def lookups(self, row: Account) -> dict[str, Any]:
        """As the rows are looked up. Raises Refusal for an order that the account has not."""
        given = self.validated_data
        found = {name: given[name] for name in ("side", "client_order_id") if name in given}
        if "symbol" in given:
            found["symbol__in"] = spelled([given["symbol"]])
        if "before" in given:
            found["number__lt"] = service.find(row, str(given["before"])).number
        return found


class OrdersView(AccountView):
    @extend_schema(
        operation_id="account_orders_list",
        parameters=[OpenApiParameter("open", bool, description="Only open ones, or only closed ones."), OrdersQuery],
        responses=OrderSerializer(many=True),
    )
    def get(self, request: Request, pk: int, name: str) -> Response:
        """The account's orders, the newest first."""
        row, query = self.account(pk, name), query_of(request)
        given = query.pop("open", None)
        if given not in (None, "true", "false"):
            raise serializers.ValidationError({"open": [f"{given!r} is not true or false."]})
        form = OrdersQuery(data=query)
        form.is_valid(raise_exception=True)
        is_open = None if given is None else given == "true"
        return Response(reports.orders(row, is_open=is_open, limit=form.validated_data["limit"], **form.lookups(row)))

    @extend_schema(
        operation_id="account_orders_create",
        parameters=[REPEATABLE],
        request=NewOrderSerializer,
        responses={201: OrderSerializer(many=True)},
    )
    def post(self, request: Request, pk: int, name: str) -> Response:
        """Place an order. The fields are those of the broker's API: symbol, qty, side, type, time_in_force, …

        Answers the order, and behind it the exits that it brings.
        """
        row = self.account(pk, name)
        form, key = read_order(request.data), key_of(request)
        [form.symbol] = spelled([form.symbol])
        if key and isinstance(request.data, dict) and not request.data.get("client_order_id"):
            form.client_order_id = str(uuid.uuid5(row.uuid, key))  # the same at the second try, which is refused by it
        placed = service.place(row.pk, form, key)
        return Response([reports.order(each) for each in placed], status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="account_orders_cancel_all", responses=OpenApiTypes.OBJECT)
    def delete(self, request: Request, pk: int, name: str) -> Response:
        """Cancel every open order. Answers their ids."""
        return Response({"canceled": service.cancel_all(self.account(pk, name).pk)})


class OneOrderView(AccountView):
    @extend_schema(operation_id="account_orders_retrieve", responses=OrderSerializer)
    def get(self, request: Request, pk: int, name: str, order_id: uuid.UUID) -> Response:
        """One order as it stands at the session's clock."""
        row = self.account(pk, name)
        await_published(row.pk)
        return Response(reports.order(service.find(row, str(order_id)).working))

    @extend_schema(operation_id="account_orders_replace", request=OrderChangesSerializer, responses=OrderSerializer)
    def patch(self, request: Request, pk: int, name: str, order_id: uuid.UUID) -> Response:
        """Replace an open order: qty, limit_price, stop_price, trail, time_in_force, client_order_id.

        Answers the new order, which has an id of its own.
        """
        row = self.account(pk, name)
        return Response(reports.order(service.replace(row.pk, str(order_id), read_changes(request.data))))

    @extend_schema(operation_id="account_orders_cancel", responses={204: None})
    def delete(self, request: Request, pk: int, name: str, order_id: uuid.UUID) -> Response:
        """Cancel an order."""
        service.cancel(self.account(pk, name).pk, str(order_id))
        return Response(status=status.HTTP_204_NO_CONTENT)
