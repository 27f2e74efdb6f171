"""Orders and positions of an account: placed, replaced, cancelled, closed."""

from __future__ import annotations

import uuid
from decimal import Decimal

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from broker import reports, service
from broker.entry.order_form import read_order
from broker.entry.replacing import read_changes
from broker.standing import await_published
from marketdata.api.queries import StrictSerializer, query_of
from marketdata.store import spelled
from web.api.account_views import AccountView
from web.api.order_serializers import NewOrderSerializer, OrderChangesSerializer, OrderSerializer


class OrdersView(AccountView):
    @extend_schema(
        operation_id="account_orders_list",
        parameters=[OpenApiParameter("open", bool, description="Only open ones, or only closed ones.")],
        responses=OrderSerializer(many=True),
    )
    def get(self, request: Request, pk: int, name: str) -> Response:
        """The account's orders, the newest first."""
        given = request.query_params.get("open")
        if given not in (None, "true", "false"):
            raise serializers.ValidationError({"open": [f"{given!r} is not true or false."]})
        return Response(reports.orders(self.account(pk, name), is_open=None if given is None else given == "true"))

    @extend_schema(
        operation_id="account_orders_create",
        request=NewOrderSerializer,
        responses={201: OrderSerializer(many=True)},
    )
    def post(self, request: Request, pk: int, name: str) -> Response:
        """Place an order. The fields are those of the broker's API: symbol, qty, side, type, time_in_force, …

        Answers the order, and behind it the exits that it brings.
        """
        row = self.account(pk, name)
        form = read_order(request.data)
        [form.symbol] = spelled([form.symbol])
        placed = service.place(row.pk, form)
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


class ClosingQuery(StrictSerializer):
    qty = serializers.DecimalField(
        required=False, max_digits=24, decimal_places=9, min_value=Decimal("1e-9"), help_text="Default: all of it."
    )
    percentage = serializers.DecimalField(
        required=False, max_digits=12, decimal_places=9, help_text="Of the position, instead of a quantity."
    )


class PositionView(AccountView):
    @extend_schema(operation_id="account_position_close", parameters=[ClosingQuery], responses=OrderSerializer)
    def delete(self, request: Request, pk: int, name: str, symbol: str) -> Response:
        """Close a position, or a part of it, with a market order. Answers the order."""
        form = ClosingQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        if len(form.validated_data) > 1:
            raise serializers.ValidationError({"percentage": ["Give qty or percentage, not both."]})
        [symbol] = spelled([symbol])
        made = service.close_position(
            self.account(pk, name).pk, symbol, form.validated_data.get("qty"), form.validated_data.get("percentage")
        )
        return Response(reports.order(made))
