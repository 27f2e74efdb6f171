"""At which instants an account's equity is shown."""

from __future__ import annotations

from broker.models import Account

MOST_POINTS = 2_000


def instants(row: Account, now: int, step: int) -> list[int]:
    """Within the sessions since it was opened, `step` apart; the newest of them where there are too many; and now."""
    calendar = row.session.calendar
    first = min(row.opened_ms, now)
    days = calendar.trading_days(row.session.start_date, row.session.end_date)
    found: list[int] = []
    for day in days:
        opened, closed = round(day.open.timestamp() * 1000), round(day.close.timestamp() * 1000)
        found += [at for at in range(opened, closed + 1, step) if first <= at <= now]
    return [*found[-MOST_POINTS:], *([now] if not found or found[-1] != now else [])]
