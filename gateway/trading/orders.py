"""`/v2/orders`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.db.models import Q, QuerySet

from broker import service
from broker.entry.order_form import read_order
from broker.entry.replacing import read_changes
from broker.matching.orders import Order
from broker.matching.terms import Side
from broker.models import Order as OrderRow
from broker.refusals import against_rule, malformed, unknown
from broker.standing import await_published, locked
from gateway.trading.assets import named_asset
from gateway.trading.bot_calls import NOTHING, Answer, Call
from gateway.trading.order_wire import order
from gateway.wire import moments
from gateway.wire.spelling import as_stored
from marketdata.symbols import is_symbol
from marketdata.units import MILLISECOND_NS

MOST, DEFAULT = 500, 50


def post_order(call: Call) -> dict[str, Any]:
    form = read_order(call.body)
    with locked(call.account_id) as standing:
        symbol = named_asset(standing.session, form.symbol, standing.clock_ms)
        if symbol is None:
            raise against_rule(f'asset "{form.symbol[:32]}" not found')
        form.symbol = symbol
        first, *legs = service.place_as(standing, form)
    return order(first, legs)


def patch_order(call: Call, order_id: str) -> dict[str, Any]:
    service.find(call.account, order_id)
    return order(service.replace(call.account_id, order_id, read_changes(call.body)))


def delete_order(call: Call, order_id: str) -> object:
    service.cancel(call.account_id, order_id)
    return NOTHING


def delete_orders(call: Call) -> Answer:
    done = service.cancel_all(call.account_id)
    return Answer([{"id": order_id, "status": 200} for order_id in done], HTTPStatus.MULTI_STATUS)


def get_order(call: Call, order_id: str) -> dict[str, Any]:
    await_published(call.account_id)
    row = service.find(call.account, order_id)
    return _shown(row.working, call.query.get("nested"))


def get_by_client_id(call: Call) -> dict[str, Any]:
    await_published(call.account_id)
    asked = call.query.get("client_order_id", "")
    row = _rows(call).filter(client_order_id=asked).first()
    if row is None:
        raise unknown(f"order not found for {asked[:128]}")
    return _shown(row.working, call.query.get("nested"))


def _shown(each: Order, nested: str | None) -> dict[str, Any]:
    legs = [row.working for row in OrderRow.objects.filter(parent_id=each.id, voided_in=None).order_by("number")]
    return order(each, legs if nested is None or nested.lower() == "true" else None)


def get_orders(call: Call) -> list[dict[str, Any]]:
    await_published(call.account_id)
    query = call.query
    direction = _one_of(query, "direction", ("desc", "asc"))
    rows = _filtered(call, _rows(call))
    nested = query.get("nested", "").lower() == "true"
    if nested:
        rows = rows.filter(parent_id="")
    ordered = rows.order_by("number" if direction == "asc" else "-number")[: _limit(query)]
    found = [row.working for row in ordered]
    if not nested:
        return [order(each) for each in found]
    legs = _legs(call, [each.id for each in found])
    return [order(each, legs.get(each.id)) for each in found]


def _legs(call: Call, parents: Iterable[str]) -> dict[str, list[Order]]:
    legs: dict[str, list[Order]] = {}
    for row in _rows(call).filter(parent_id__in=list(parents)).order_by("number"):
        legs.setdefault(row.parent_id, []).append(row.working)
    return legs


def _rows(call: Call) -> QuerySet[OrderRow]:
    return OrderRow.objects.filter(account=call.account, voided_in=None)


def _filtered(call: Call, rows: QuerySet[OrderRow]) -> QuerySet[OrderRow]:
    query = call.query
    status = _one_of(query, "status", ("open", "closed", "all"))
    if status != "all":
        rows = rows.filter(is_open=status == "open")
    if side := query.get("side"):
        if side not in tuple(Side):
            raise malformed("side must be buy or sell")
        rows = rows.filter(side=side)
    if symbols := query.get("symbols"):
        names = [name for each in symbols.split(",") if is_symbol(name := each.strip())]
        rows = rows.filter(symbol__in=as_stored(call.session.dataset_id, names).values())
    if query.get("asset_class", "us_equity") not in ("us_equity", ""):
        return rows.none()
    return rows.filter(_between(call))


def _between(call: Call) -> Q:
    query, found = call.query, Q()
    by_id = [name for name in ("before_order_id", "after_order_id") if query.get(name)]
    by_time = [name for name in ("after", "until") if query.get(name)]
    if len(by_id) > 1 or (by_id and by_time):
        raise malformed(f"only one of {', '.join(by_id + by_time)} is accepted")
    if by_id:
        mark = service.find(call.account, query.get(by_id[0], ""))
        found &= Q(number__lt=mark.number) if by_id[0].startswith("before") else Q(number__gt=mark.number)
    if after := query.get("after"):
        found &= Q(submitted_ms__gt=moments.start_of(after, "after") // MILLISECOND_NS)
    if until := query.get("until"):
        found &= Q(submitted_ms__lt=moments.end_of(until, "until") // MILLISECOND_NS)
    return found


def _limit(query: Mapping[str, str]) -> int:
    given = query.get("limit") or str(DEFAULT)
    if not given.isdecimal() or not 1 <= int(given[:9]) <= MOST:
        raise malformed(f"limit must be between 1 and {MOST}")
    return int(given)


def _one_of(query: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    given = query.get(name) or words[0]
    if given not in words:
        raise malformed(f"{name} must be one of {', '.join(words)}")
    return given
