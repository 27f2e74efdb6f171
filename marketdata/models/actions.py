"""Corporate actions: what happened to an instrument beside its trading, from which date on, and who says so."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketdata.models.catalog import Instrument


class CorporateAction(models.Model):
    """One action. Prices from the ex date on are without what it took; before that date the market trades with it."""

    class Kind(models.TextChoices):
        SPLIT = "split", "split"
        DIVIDEND = "dividend", "cash dividend"
        SYMBOL_CHANGE = "symbol", "symbol change"

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="actions")
    kind = models.CharField(max_length=8, choices=Kind)
    ex_date = models.DateField(help_text="The first trading day on which it shows.")
    ratio = models.DecimalField(
        max_digits=20, decimal_places=10, null=True, blank=True, help_text="Of a split: new shares for an old one."
    )
    amount = models.DecimalField(
        max_digits=20, decimal_places=10, null=True, blank=True, help_text="Of a dividend: cash a share, as paid then."
    )
    special = models.BooleanField(default=False, help_text="A dividend beside the regular ones.")
    new_symbol = models.CharField(max_length=32, blank=True, help_text="What it trades as from the ex date on.")
    announced_at = models.DateTimeField(null=True, blank=True, help_text="Market time, where the source gives it.")
    source = models.CharField(max_length=255, help_text="Vendor or file.")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-ex_date", "instrument", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "ex_date", "kind", "special"], name="action_once"),
            models.CheckConstraint(
                condition=Q(kind="split", ratio__gt=0, amount=None, new_symbol="")
                | Q(kind="dividend", amount__gt=0, ratio=None, new_symbol="")
                | Q(kind="symbol", ratio=None, amount=None) & ~Q(new_symbol=""),
                name="action_has_what_its_kind_needs",
            ),
        ]

    def __str__(self) -> str:
        what = {"split": f"split {self.ratio}", "dividend": f"dividend {self.amount}", "symbol": self.new_symbol}
        return f"{self.instrument.symbol} {self.ex_date} {what[self.kind]}"
