"""Positions of an account: shown and closed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from broker import reports, service
from broker.refusals import Refusal, unknown
from broker.standing import standing
from marketdata.api.queries import StrictSerializer, query_of
from marketdata.store import spelled
from web.api.account_views import AccountView, PositionSerializer
from web.api.order_serializers import OrderSerializer


class ClosingQuery(StrictSerializer):
    qty = serializers.DecimalField(
        required=False, max_digits=24, decimal_places=9, min_value=Decimal("1e-9"), help_text="Default: all of it."
    )
    percentage = serializers.DecimalField(
        required=False, max_digits=12, decimal_places=9, help_text="Of the position, instead of a quantity."
    )


class ClosingAllQuery(StrictSerializer):
    cancel_orders = serializers.ChoiceField(
        choices=["true", "false"],
        default="false",
        help_text="First cancel every open order, those too that hold shares.",
    )


class ClosedSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    order = OrderSerializer(allow_null=True)
    refusal = serializers.CharField(allow_null=True, help_text="Why there is no order.")


class PositionsView(AccountView):
    @extend_schema(operation_id="account_positions_list", responses=PositionSerializer(many=True))
    def get(self, request: Request, pk: int, name: str) -> Response:
        """The account's positions at their marks, as of the session's clock."""
        return Response(reports.positions(standing(self.account(pk, name).pk)))

    @extend_schema(
        operation_id="account_positions_close_all",
        parameters=[ClosingAllQuery],
        responses=ClosedSerializer(many=True),
    )
    def delete(self, request: Request, pk: int, name: str) -> Response:
        """Close every position with a market order. Answers of each the order, or why there is none."""
        form = ClosingAllQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        made = service.close_all(
            self.account(pk, name).pk, cancel_orders=form.validated_data["cancel_orders"] == "true"
        )
        return Response(
            [
                {"symbol": symbol, "order": None, "refusal": result.message}
                if isinstance(result, Refusal)
                else {"symbol": symbol, "order": reports.order(result), "refusal": None}
                for symbol, result in made
            ]
        )


class PositionView(AccountView):
    @extend_schema(operation_id="account_positions_retrieve", responses=PositionSerializer)
    def get(self, request: Request, pk: int, name: str, symbol: str) -> Response:
        """One position at its mark, as of the session's clock."""
        [symbol] = spelled([symbol])
        found = [row for row in reports.positions(standing(self.account(pk, name).pk)) if row["symbol"] == symbol]
        if not found:
            raise unknown("position does not exist")
        return Response(found[0])

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
