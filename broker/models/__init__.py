"""Accounts of sessions, what was asked of them, and what came of it."""

from broker.models.accounts import Account, AccountDay, AccountKey
from broker.models.events import AccountEvent
from broker.models.matching_pins import MatchingPin
from broker.models.orders import Order
from broker.models.requests import Request
from broker.models.watchlists import Watchlist

__all__ = ["Account", "AccountDay", "AccountEvent", "AccountKey", "MatchingPin", "Order", "Request", "Watchlist"]
