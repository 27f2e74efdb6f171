"""An order's fields as the API's documents show them. What is asked for is read, and refused, by `broker.entry`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from broker.matching.terms import OrderType, Role, Side, Status, TimeInForce


def choices(of: Iterable[str]) -> list[tuple[str, str]]:
    return [(str(word), str(word)) for word in of]


SIDES, TYPES, TIMES_IN_FORCE, STATUSES = choices(Side), choices(OrderType), choices(TimeInForce), choices(Status)
CLASSES = choices(("simple", "bracket", "oco", "oto"))
INTENTS = choices(("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"))


def amount(help_text: str, **options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=24, decimal_places=9, help_text=help_text, **options)


class TakeProfitSerializer(serializers.Serializer[Any]):
    limit_price = amount("")


class StopLossSerializer(serializers.Serializer[Any]):
    stop_price = amount("")
    limit_price = amount("Makes it a stop-limit order.", required=False)


class NewOrderSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    side = serializers.ChoiceField(SIDES)
    type = serializers.ChoiceField(TYPES)
    time_in_force = serializers.ChoiceField(TIMES_IN_FORCE)
    qty = amount("Shares. Either this or `notional`.", required=False)
    notional = amount("Dollars, of a market order for the day.", required=False)
    limit_price = amount("Of limit and stop-limit orders.", required=False)
    stop_price = amount("Of stop and stop-limit orders.", required=False)
    trail_price = amount("Dollars that a trailing stop stays behind; either this or `trail_percent`.", required=False)
    trail_percent = amount("At least 0.1.", required=False)
    extended_hours = serializers.BooleanField(required=False, help_text="Of limit orders for the day or gtc.")
    client_order_id = serializers.CharField(required=False, help_text="Unique within the account.")
    order_class = serializers.ChoiceField(CLASSES, required=False)
    take_profit = TakeProfitSerializer(required=False)
    stop_loss = StopLossSerializer(required=False)
    position_intent = serializers.ChoiceField(INTENTS, required=False)


class OrderChangesSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    qty = amount("", required=False)
    limit_price = amount("", required=False)
    stop_price = amount("", required=False)
    trail = amount("Dollars or percent, as the order has it.", required=False)
    time_in_force = serializers.CharField(required=False, help_text="day or gtc.")
    client_order_id = serializers.CharField(required=False)


def text(**options: Any) -> serializers.CharField:
    return serializers.CharField(**options)


def number(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=f"{help_text} A decimal as text.".strip())


class OrderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    client_order_id = text()
    submitted_at = text(allow_null=True, help_text="The session's clock.")
    symbol = text()
    side = serializers.ChoiceField(SIDES)
    type = serializers.ChoiceField(TYPES)
    time_in_force = serializers.ChoiceField(TIMES_IN_FORCE)
    qty = number()
    notional = number()
    limit_price = number()
    stop_price = number("Of a trailing stop: where it stands now.")
    trail_price = number()
    trail_percent = number()
    high_water_mark = number("Of a trailing stop.")
    extended_hours = serializers.BooleanField()
    status = serializers.ChoiceField(STATUSES)
    filled_qty = number()
    filled_average = number("The average price of its executions.")
    order_class = serializers.ChoiceField(CLASSES)
    group_id = text(allow_null=True, help_text="What a bracket, OCO or OTO has in common.")
    role = text(allow_blank=True, help_text=f"In its group: {', '.join(Role)}.")
    parent_id = text(allow_null=True)
    replaces = text(allow_null=True)
    replaced_by = text(allow_null=True)
    reason = text(allow_null=True, help_text="Why it was rejected.")
