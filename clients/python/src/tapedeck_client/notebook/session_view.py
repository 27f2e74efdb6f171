"""A session as a card: clock, state, symbols, candles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tapedeck_client.market_records import Bar
from tapedeck_client.notebook.candles import DOWN, UP, candles
from tapedeck_client.session_info import SessionInfo

CHART_BARS = 120
SYMBOLS_SHOWN = 12
COLORS = {"running": UP, "paused": "#c98a1b", "failed": DOWN}
BADGE = "padding:1px 8px;border-radius:9px;color:#fff;background:"


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a notebook shows of a session at one moment."""

    info: SessionInfo
    symbol: str | None = None
    bars: Sequence[Bar] = ()
    problem: str = ""

    def _repr_html_(self) -> str:
        info = self.info
        state = f'<span style="{BADGE}{COLORS.get(info.state, "#667")}">{escape(info.state)}</span>'
        made = " · synthetic data" if info.synthetic else ""
        words = [
            f"{_clock(info.clock)}",
            f"speed {info.speed:g}" if info.speed else "as fast as possible",
            f"{escape(info.dataset)}{made}",
            f"{info.start_date} to {info.end_date}" if info.end_date != info.start_date else f"{info.start_date}",
        ]
        return (
            '<div style="max-width:660px;padding:8px 10px;border:1px solid #8884;border-radius:8px;line-height:1.5">'
            f"<div><strong>Session {info.id}</strong> {escape(info.name)} {state}</div>"
            f'<div style="font-variant-numeric:tabular-nums">{" · ".join(words)}</div>'
            f"<div>{_symbols(info.symbols)}</div>{_words(info.reason)}{_words(self.problem)}{self._chart()}</div>"
        )

    def _chart(self) -> str:
        if not self.bars:
            return ""
        last = self.bars[-1]
        head = f"{escape(last.symbol)} {escape(last.interval)} {last.close:,.2f}"
        return f'<div style="margin-top:6px"><strong>{head}</strong></div>{candles(self.bars)}'


def _clock(clock: dt.datetime | None) -> str:
    return f"{clock:%Y-%m-%d %H:%M:%S} UTC" if clock else "not begun"


def _symbols(symbols: Sequence[str]) -> str:
    if not symbols:
        return "no active symbols"
    more = len(symbols) - SYMBOLS_SHOWN
    return escape(", ".join(symbols[:SYMBOLS_SHOWN])) + (f" and {more} more" if more > 0 else "")


def _words(text: str) -> str:
    return f'<div style="color:{DOWN}">{escape(text)}</div>' if text else ""
