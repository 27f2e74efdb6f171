"""What an account is opened with, and what its owner sets."""

from __future__ import annotations

from typing import Literal, TypedDict

from tapedeck_client.order_options import Amount


class OpeningOptions(TypedDict, total=False):
    """Cash, margin, and the terms by which its orders are filled; what is left out is the server's default."""

    cash: Amount
    """USD (100,000)."""
    multiplier: Literal[1, 2, 4]
    """1 is a cash account; 2 margin overnight, 4 also within the day (2)."""
    shorting: bool
    """Whether it may sell short (True)."""
    profile: Literal["realistic", "paper", "fees"]
    """`paper` ignores sizes; `fees` charges the regulatory fees (`realistic`)."""
    stale_seconds: Amount
    """Age from which on a quote does not count (60)."""
    participation: Amount
    """Share of a bar's or a print's volume that it may take (0.1)."""
    penetration: int
    """Ticks by which a bar has to pass a limit (1)."""
    slippage: int
    """Ticks of stops on bars (0)."""
    on_bars: Literal["next_open", "last_close"]
    """What a market order is filled at where there are bars alone (`next_open`)."""
    latency_ms: int
    """Milliseconds of market time until a request arrives (0)."""
    seed: int
    """Of the partial fills of `paper`."""


class SettingsOptions(TypedDict, total=False):
    """Settings of the account's owner; what is left out stays. They hold from now on and go back with the clock."""

    suspend_trade: bool
    """New orders are refused."""
    no_shorting: bool
    fractional_trading: bool
    max_margin_multiplier: Literal[1, 2, 4]
