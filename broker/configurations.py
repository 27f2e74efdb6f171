"""What an account's owner sets, the broker's configurations: they hold from then on, and go back with the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from broker.models import Account, Request

MULTIPLIERS = ("1", "2", "4")
DEFAULTS: Mapping[str, object] = {
    "fractional_trading": True,
    "max_margin_multiplier": "4",
    "no_shorting": False,
    "suspend_trade": False,
    "dtbp_check": "entry",
    "pdt_check": "entry",
    "ptp_no_exception_entry": False,
    "trade_confirm_email": "all",
}
HEEDED = ("fractional_trading", "max_margin_multiplier", "no_shorting", "suspend_trade")
"""The others are kept and change nothing here."""


def made(account: Account, until_ms: int | None = None) -> dict[str, object]:
    """What was set and not undone since, or what of it was picked up by an instant."""
    requests = Request.objects.filter(account=account, kind=Request.Kind.SETTINGS, voided_in=None)
    if until_ms is not None:
        requests = requests.filter(taken_ms__lte=until_ms)
    return _combined(account, requests.order_by("number").values_list("body", flat=True))


def of(account: Account, changes: Iterable[Mapping[str, object]] | None = None) -> dict[str, object]:
    """All of them; `changes`: what was set and not undone since, in its order, where it is read already."""
    return {**DEFAULTS, **(made(account) if changes is None else _combined(account, changes))}


def _combined(account: Account, changes: Iterable[Mapping[str, object]]) -> dict[str, object]:
    found = dict(account.configurations)
    for each in changes:
        found.update(each)
    return found
