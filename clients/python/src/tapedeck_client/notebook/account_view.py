"""An account as a card: its figures and positions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from html import escape

from tapedeck_client.notebook.candles import DOWN, UP
from tapedeck_client.trading_records import AccountInfo, Position

POSITIONS_SHOWN = 12
CARD = "max-width:660px;padding:8px 10px;border:1px solid #8884;border-radius:8px;line-height:1.5"
CELL = '<td style="text-align:right;padding:0 0 0 14px">'


@dataclass(frozen=True, slots=True)
class AccountView:
    """What a notebook shows of an account at one moment."""

    info: AccountInfo
    problem: str = ""

    def _repr_html_(self) -> str:
        info = self.info
        words = [
            f"{info.clock:%Y-%m-%d %H:%M:%S} UTC",
            f"equity {_money(info.equity)}",
            f"cash {_money(info.cash)}",
            f"buying power {_money(info.buying_power)}",
            f"{info.open_orders} open order{'' if info.open_orders == 1 else 's'}",
        ]
        problem = f'<div style="color:{DOWN}">{escape(self.problem)}</div>' if self.problem else ""
        return (
            f'<div style="{CARD}"><div><strong>{escape(info.name)}</strong> of session {info.session}</div>'
            f'<div style="font-variant-numeric:tabular-nums">{" · ".join(words)}</div>'
            f"{problem}{_positions(info.positions)}</div>"
        )


def _positions(held: tuple[Position, ...]) -> str:
    if not held:
        return "<div>no positions</div>"
    more = len(held) - POSITIONS_SHOWN
    rest = f"<div>and {more} more</div>" if more > 0 else ""
    return (
        f'<table style="font-variant-numeric:tabular-nums">{"".join(map(_row, held[:POSITIONS_SHOWN]))}</table>{rest}'
    )


def _row(held: Position) -> str:
    color = UP if held.unrealized >= 0 else DOWN
    cells = (f"{held.qty:,f}", f"at {held.average_entry:,.4f}", f"now {held.price:,.4f}")
    profit = f'<span style="color:{color}">{_money(held.unrealized)}</span>'
    return f"<tr><td>{escape(held.symbol)}</td>{''.join(CELL + text + '</td>' for text in (*cells, profit))}</tr>"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f} USD"
