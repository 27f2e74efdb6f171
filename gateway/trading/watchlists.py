"""`/v2/watchlists`."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, transaction

from broker.models import Watchlist
from broker.refusals import against_rule, malformed, unknown
from gateway.trading import assets
from gateway.trading.bot_calls import NOTHING, Call
from gateway.trading.order_wire import stamp
from streaming.as_of.newest_frame import clock_ms

LONGEST_NAME = 64
MOST_LISTS, MOST_SYMBOLS = 200, 1000


def get_watchlists(call: Call) -> list[dict[str, Any]]:
    return [_row(call, each) for each in Watchlist.objects.filter(account=call.account)]


def post_watchlist(call: Call) -> dict[str, Any]:
    name, symbols = _name(call.body), _symbols(call, call.body)
    if Watchlist.objects.filter(account=call.account).count() >= MOST_LISTS:
        raise against_rule(f"an account has at most {MOST_LISTS} watchlists")
    now = clock_ms(call.session)
    made = Watchlist(account=call.account, name=name, symbols=symbols, created_ms=now, updated_ms=now)
    return _save(call, made)


def get_watchlist(call: Call, list_id: str | None = None) -> dict[str, Any]:
    return _whole(call, _find(call, list_id))


def put_watchlist(call: Call, list_id: str | None = None) -> dict[str, Any]:
    found = _find(call, list_id)
    found.name = _name(call.body) if call.body.get("name") else found.name
    if call.body.get("symbols") is not None:
        found.symbols = _symbols(call, call.body)
    return _save(call, found)


def add_symbol(call: Call, list_id: str | None = None) -> dict[str, Any]:
    found = _find(call, list_id)
    [symbol] = _symbols(call, {"symbols": [call.body.get("symbol")]} if isinstance(call.body, dict) else call.body)
    if symbol not in found.symbols:
        found.symbols = [*found.symbols, symbol]
    return _save(call, found)


def remove_symbol(call: Call, list_id: str, symbol: str) -> dict[str, Any]:
    found = _find(call, list_id)
    name = assets.named_asset(call.session, symbol) or symbol
    if name not in found.symbols:
        raise unknown(f"symbol not found: {symbol[:32]}")
    found.symbols = [each for each in found.symbols if each != name]
    return _save(call, found)


def delete_watchlist(call: Call, list_id: str | None = None) -> object:
    _find(call, list_id).delete()
    return NOTHING


def _find(call: Call, list_id: str | None) -> Watchlist:
    rows = Watchlist.objects.filter(account=call.account)
    if list_id is None:
        found = rows.filter(name=call.query.get("name", "").replace("\0", "")).first()
    else:
        try:
            found = rows.filter(uuid=uuid.UUID(list_id)).first()
        except ValueError:
            found = None
    if found is None:
        raise unknown("watchlist not found")
    return found


def _save(call: Call, each: Watchlist) -> dict[str, Any]:
    each.updated_ms = clock_ms(call.session)
    try:
        with transaction.atomic():
            each.save()
    except IntegrityError:
        raise against_rule("watchlist name must be unique") from None
    return _whole(call, each)


def _name(body: Any) -> str:
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise malformed(f"name is required, of at most {LONGEST_NAME} characters")
    return name


def _symbols(call: Call, body: Any) -> list[str]:
    given = body.get("symbols") if isinstance(body, dict) else None
    if given is None:
        given = []
    if not isinstance(given, list) or len(given) > MOST_SYMBOLS or not all(isinstance(each, str) for each in given):
        raise malformed(f"symbols must be a list of at most {MOST_SYMBOLS} symbols")
    found: list[str] = []
    for each in given:
        symbol = assets.named_asset(call.session, each)
        if symbol is None:
            raise against_rule(f"asset not found for {each[:32]}")
        found.append(symbol)
    return list(dict.fromkeys(found))


def _row(call: Call, each: Watchlist) -> dict[str, Any]:
    return {
        "id": str(each.uuid),
        "account_id": str(call.account.uuid),
        "name": each.name,
        "created_at": stamp(each.created_ms),
        "updated_at": stamp(each.updated_ms),
    }


def _whole(call: Call, each: Watchlist) -> dict[str, Any]:
    return {**_row(call, each), "assets": assets.assets_named(call.session, each.symbols)}
