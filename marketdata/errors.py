"""What can be wrong with a question about market data. Every message names the value and what would be right."""


class MarketDataError(Exception):
    """Base of all; its text is for the person who asked."""


class NotATradingDay(MarketDataError):
    """The exchange was closed on that date, or the calendar does not reach it."""


class UnknownExchange(MarketDataError):
    """There is no calendar of that name."""


class UnknownSymbol(MarketDataError):
    """The source has no such symbol."""


class BadSymbol(MarketDataError):
    """Not a text that can be a symbol."""


class NoData(MarketDataError):
    """The source answered: there is nothing for that day."""


class ProviderFailed(MarketDataError):
    """The request failed: whether there is data is not known."""


class ProviderRefused(ProviderFailed):
    """The provider does not let us in: asking again, or for something else, is of no use."""


class BadInterval(MarketDataError):
    """Not an interval such as 1m, 5m, 1h or 1d."""
