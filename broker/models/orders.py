"""Orders as they stand: made from requests and events, for whoever asks."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from broker.matching.orders import Order as WorkingOrder
from broker.models.accounts import Account


class Order(models.Model):
    """The columns are what lists are filtered by; `payload` is the order."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="orders")
    uuid = models.UUIDField(editable=False)
    number = models.PositiveIntegerField()
    client_order_id = models.CharField(max_length=128)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    status = models.CharField(max_length=16)
    is_open = models.BooleanField()
    submitted_ms = models.BigIntegerField()
    group_id = models.CharField(max_length=36, blank=True)
    parent_id = models.CharField(max_length=36, blank=True)
    payload = models.JSONField()
    voided_in = models.PositiveIntegerField(null=True, help_text="The generation that went back to before it.")

    class Meta:
        ordering = ["account", "number"]
        constraints = [
            models.UniqueConstraint(fields=["account", "uuid"], name="order_once"),
            models.UniqueConstraint(
                fields=["account", "client_order_id"], condition=Q(voided_in=None), name="client_order_id_once"
            ),
        ]
        indexes = [models.Index(fields=["account"], condition=Q(is_open=True, voided_in=None), name="order_open")]

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} {self.status}"

    @property
    def working(self) -> WorkingOrder:
        return WorkingOrder.of(self.payload)

    @classmethod
    def row(cls, account_id: int, order: WorkingOrder) -> Order:
        """The row of an order, to be written."""
        return cls(
            account_id=account_id,
            uuid=order.id,
            number=order.number,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            status=order.status,
            is_open=order.is_open,
            submitted_ms=order.submitted_ms,
            group_id=order.group_id,
            parent_id=order.parent_id,
            payload=order.as_payload(),
        )
