"""Actions into the store: what is there already and says the same is left; what says something else is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction

from marketdata import store
from marketdata.actions.known import Action
from marketdata.actions.parts import NotActions
from marketdata.exchange_calendar import calendar_of
from marketdata.models import CorporateAction, Instrument
from marketdata.symbols import require_symbols

LEAST, MOST, MOST_SOURCE = Decimal("0.0000000001"), 1_000_000, 255
"""Shares for one, or dollars a share: more is no action of a market."""
COMPARED = ("ratio", "amount", "new_symbol")


@dataclass(slots=True)
class ActionReport:
    inserted: int = 0
    unchanged: int = 0
    revised: int = 0
    conflicts: list[str] = field(default_factory=list)
    """What another source says otherwise, in words; the stored ones hold."""


@transaction.atomic
def write_actions(actions: Sequence[Action], *, replace: bool = False) -> ActionReport:
    """`replace`: what differs from the stored one takes its place; else it is a conflict, and the stored one holds."""
    report = ActionReport()
    for action in actions:
        _require_storable(action)
    ids = store.ensure_instruments({action.symbol for action in actions})
    calendars = dict(Instrument.objects.filter(pk__in=ids.values()).values_list("symbol", "calendar"))
    for action in actions:
        if not calendar_of(calendars.get(action.symbol, "XNYS")).is_trading_day(action.ex_date):
            report.conflicts.append(
                f"{action.symbol} {action.kind} {action.ex_date}: the ex date is not a trading day of its exchange"
            )
            continue
        _write(ids[action.symbol], action, report, replace)
    return report


def _require_storable(action: Action) -> None:
    """Raises NotActions, or BadSymbol, for what the store has no place for."""
    require_symbols([action.symbol, *filter(None, [action.new_symbol])])
    for name in ("ratio", "amount"):
        value = getattr(action, name)
        if value is not None and not LEAST <= value < MOST:
            raise NotActions(
                f"{action.symbol} {action.kind} {action.ex_date}: its {name} is {value:.6g}: from {LEAST:f} to below "
                f"{MOST:,}."
            )
    if len(action.source) > MOST_SOURCE or "\0" in action.source:
        shown = action.source[:40]
        raise NotActions(f"{action.symbol} {action.ex_date}: {shown!r} is no source: up to {MOST_SOURCE} characters.")


def _write(instrument_id: int, action: Action, report: ActionReport, replace: bool) -> None:
    values = {name: getattr(action, name) for name in (*COMPARED, "announced_at", "source")}
    key = {name: getattr(action, name) for name in ("ex_date", "kind", "special")}
    stored, made = CorporateAction.objects.select_for_update(no_key=True).get_or_create(
        **key, instrument_id=instrument_id, defaults=values
    )
    if made:
        report.inserted += 1
        return
    if all(_same(getattr(stored, name), getattr(action, name)) for name in COMPARED):
        report.unchanged += 1
        if stored.announced_at is None and action.announced_at:
            CorporateAction.objects.filter(pk=stored.pk).update(announced_at=action.announced_at)
        return
    if not replace:
        said = next(value for name in COMPARED if (value := getattr(action, name)))
        report.conflicts.append(f"{stored} from {stored.source} is stored, and {action.source} says {said}")
        return
    CorporateAction.objects.filter(pk=stored.pk).update(**values)
    report.revised += 1


def _same(one: object, other: object) -> bool:
    """Sources round to six decimals and more."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) <= abs(one) * Decimal("0.00001")
    return one == other
