"""What tests of trading do with a session that stands."""

from __future__ import annotations

from decimal import Decimal

from tapedeck_client import Session


def stepped(session: Session, minutes: int = 1) -> None:
    session.step(minutes)
    session.settle()


def price(session: Session, symbol: str = "AAPL") -> Decimal:
    """The last close, in whole cents."""
    return Decimal(str(session.bars(symbol)[-1].close)).quantize(Decimal("0.01"))
