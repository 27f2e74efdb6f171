"""`/v2/account` and its configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker import configurations, service
from broker.matching.orders import ZERO
from broker.models import Account
from broker.refusals import malformed
from broker.standing import Standing, standing
from gateway.trading.bot_calls import Call
from gateway.trading.order_wire import stamp, text
from streaming.engine.frames.frame_id import moment

CHOICES: Mapping[str, tuple[object, ...]] = {
    "fractional_trading": (True, False),
    "max_margin_multiplier": configurations.MULTIPLIERS,
    "no_shorting": (True, False),
    "ptp_no_exception_entry": (True, False),
    "suspend_trade": (True, False),
    "trade_confirm_email": ("all", "none"),
    "disable_overnight_trading": (True, False),
    "max_options_trading_level": (0, 1, 2, 3),
    "dtbp_check": ("both", "entry", "exit"),
    "pdt_check": ("both", "entry", "exit"),
}
GONE = ("dtbp_check", "pdt_check")
"""Accepted and without effect since the pattern day trader rule went."""


def get_account(call: Call) -> dict[str, Any]:
    return account(standing(call.account_id))


def account(at: Standing) -> dict[str, Any]:
    row, (long, short) = at.account, at.values
    days_of = at.session.calendar
    today = days_of.session_date_of(moment(at.clock_ms))
    return {
        "id": str(row.uuid),
        "account_number": row.number,
        "status": "ACTIVE",
        "currency": "USD",
        "cash": text(at.state.cash),
        "buying_power": text(at.buying_power),
        "regt_buying_power": text(max(at.regt_buying_power, ZERO)),
        "non_marginable_buying_power": text(at.state.cash),
        "options_buying_power": text(at.equity - at.initial_margin),
        "options_approved_level": 0,
        "options_trading_level": 0,
        "equity": text(at.equity),
        "portfolio_value": text(at.equity),
        "last_equity": text(at.state.last_equity),
        "balance_asof": days_of.previous_trading_day(today).date.isoformat(),
        "long_market_value": text(long),
        "short_market_value": text(short),
        "position_market_value": text(long - short),
        "initial_margin": text(at.initial_margin),
        "maintenance_margin": text(at.maintenance_margin),
        "last_maintenance_margin": text(at.state.last_maintenance),
        "sma": text(at.equity - at.initial_margin),
        "multiplier": str(at.multiplier),
        "shorting_enabled": at.may_short,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": bool(at.settings["suspend_trade"]),
        "created_at": stamp(min(row.opened_ms, at.clock_ms)),
        "accrued_fees": text(at.state.fees.total),
        "pending_transfer_in": "0",
        "pending_reg_taf_fees": "0",
        "intraday_adjustments": "0",
        "user_configurations": None,
        "admin_configurations": {},
        "pattern_day_trader": False,
        "daytrade_count": 0,
        "daytrading_buying_power": "0",
    }


def get_configurations(call: Call) -> dict[str, Any]:
    return _as_shown(call.account)


def _as_shown(row: Account) -> dict[str, Any]:
    shown = configurations.of(row)
    return {name: value for name, value in shown.items() if name not in GONE}


def patch_configurations(call: Call) -> dict[str, Any]:
    """Fields that are absent or null stay as they are."""
    if not isinstance(call.body, dict):
        raise malformed("request body format is invalid")
    changes = {name: value for name, value in call.body.items() if value is not None and name in CHOICES}
    for name, value in changes.items():
        if value not in CHOICES[name] or isinstance(value, bool) != isinstance(CHOICES[name][0], bool):
            raise malformed(f"{name} must be one of {', '.join(map(str, CHOICES[name]))}")
    if changes:
        service.configure(call.account_id, changes)
    return _as_shown(call.account)
