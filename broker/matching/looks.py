"""Orders that wait for their next look at the market, in the order in which things become known."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from broker.matching.day import Look
from broker.matching.orders import Order

NOTICE = 9
"""The phase, after all others of an instant, in which an order says that it waits."""


@dataclass(order=True, slots=True)
class Waiting:
    """Within an instant by arrival. Rows are not compared, as each symbol has its own."""

    known: int
    at: int
    phase: int
    turn: int
    sequence: int
    look: Look = field(compare=False)
    token: int = field(compare=False)
    order_id: str = field(compare=False)


class Looks:
    """When orders look next: one look counts for each order, the newest that was scheduled."""

    def __init__(self) -> None:
        self.heap: list[Waiting] = []
        self.tokens: dict[str, int] = {}

    @property
    def next_known(self) -> int | None:
        return self.heap[0].known if self.heap else None

    def forget(self, order: Order) -> None:
        """What was scheduled for it no longer counts."""
        self.tokens[order.id] = self.tokens.get(order.id, 0) + 1

    def push(self, order: Order, look: Look) -> None:
        waiting = Waiting(*look[:4], order.sequence, look, self.tokens.setdefault(order.id, 0), order.id)
        heapq.heappush(self.heap, waiting)

    def pop(self) -> Waiting:
        return heapq.heappop(self.heap)

    def counts(self, waiting: Waiting) -> bool:
        return waiting.look.phase == NOTICE or self.tokens.get(waiting.order_id) == waiting.token
