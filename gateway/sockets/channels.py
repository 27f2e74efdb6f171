"""What a socket is subscribed to: symbols by channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.wire.symbols import is_well_formed

ALL = "*"
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
IMPLIED_BY_TRADES = ("corrections", "cancelErrors")


class SocketError(Exception):
    """An error as the feed numbers them."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)

    @property
    def payload(self) -> dict[str, Any]:
        return {"T": "error", "code": self.code, "msg": self.message}


INVALID_SYNTAX = (400, "invalid syntax")


@dataclass(frozen=True, slots=True)
class Channels:
    """Hashable, so that sockets that want the same share what is encoded for it."""

    wanted: tuple[frozenset[str], ...] = (frozenset(),) * len(CHANNELS)

    def __getitem__(self, channel: str) -> frozenset[str]:
        return self.wanted[CHANNELS.index(channel)]

    def adding(self, more: Mapping[str, frozenset[str]]) -> Channels:
        return Channels(tuple(self[name] | more.get(name, frozenset()) for name in CHANNELS))

    def without(self, less: Mapping[str, frozenset[str]]) -> Channels:
        return Channels(tuple(self[name] - less.get(name, frozenset()) for name in CHANNELS))

    @property
    def most(self) -> int:
        return max(map(len, self.wanted))

    def listed(self) -> dict[str, Any]:
        """The acknowledgement: always the complete list."""
        lists = {name: sorted(self[name]) for name in CHANNELS}
        return {"T": "subscription", **lists, **dict.fromkeys(IMPLIED_BY_TRADES, lists["trades"])}


def parse(message: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Channel → symbols of a subscribe or unsubscribe message; absent and null are the same."""
    return dict(_parts(message))


def _parts(message: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    for name, symbols in message.items():
        if name == "action" or name in IMPLIED_BY_TRADES or not symbols:
            continue
        if name not in CHANNELS:
            raise SocketError(410, "invalid subscribe action for this feed")
        if not isinstance(symbols, list) or not all(_is_symbol(symbol) for symbol in symbols):
            raise SocketError(*INVALID_SYNTAX)
        yield name, frozenset(symbols)


def _is_symbol(symbol: object) -> bool:
    return isinstance(symbol, str) and (symbol == ALL or is_well_formed(symbol))
