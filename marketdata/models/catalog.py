"""Where data comes from, and what it is about."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper


class QuotesOf(models.TextChoices):
    """Whose quotes a dataset has."""

    CONSOLIDATED = "consolidated", "the market's: each row is the best bid and offer, whatever exchange it names"
    EXCHANGE = "exchange", "each exchange's own: the market is the best of their newest"


class Dataset(models.Model):
    """Where data comes from. Two vendors' days never mix, so a session has exactly one."""

    name = models.SlugField(max_length=64, unique=True)
    source = models.CharField(max_length=64, help_text="Vendor or file collection, e.g. alpaca.")
    feed = models.CharField(max_length=32, blank=True, help_text="The vendor's feed, e.g. sip, iex.")
    price_mode = models.CharField(max_length=16, default="raw", help_text="raw, split or all (adjusted).")
    provider = models.CharField(
        max_length=64, blank=True, help_text="The name in MARKETDATA_PROVIDERS that serves its missing days."
    )
    filler = models.CharField(
        max_length=64,
        blank=True,
        help_text="The name in MARKETDATA_PROVIDERS that is asked for absent minutes; empty: its provider.",
    )
    quotes = models.CharField(max_length=12, choices=QuotesOf, default=QuotesOf.CONSOLIDATED)
    synthetic = models.BooleanField(default=False, help_text="Made by a generator, not by a market.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["source", "feed", "price_mode"], name="dataset_source_feed_price_mode")
        ]

    def __str__(self) -> str:
        return self.name


class Instrument(models.Model):
    symbol = models.CharField(max_length=32, unique=True, help_text="As its vendor writes it; case counts.")
    name = models.CharField(max_length=128, blank=True)
    calendar = models.CharField(max_length=8, default="XNYS", help_text="exchange_calendars' name.")

    class Meta:
        ordering = ["symbol"]
        indexes = [models.Index(Upper("symbol"), name="instrument_by_capitals")]
        constraints = [
            models.CheckConstraint(condition=Q(symbol__regex=r"^[!-~]+$"), name="instrument_symbol_printable"),
        ]

    def __str__(self) -> str:
        return self.symbol
