"""Follow and control Tapedeck's replayed market sessions from any Python program or notebook.

from tapedeck_client import Client

with Client("http://127.0.0.1:8000", key="RK….…") as client:
    for bar in client.session(1).stream_bars(["AAPL"]):
        print(bar.end, bar.close)
"""

from tapedeck_client.account import Account
from tapedeck_client.account_records import AccountEvent
from tapedeck_client.async_account import AsyncAccount
from tapedeck_client.async_client import AsyncClient
from tapedeck_client.async_order import AsyncOrder
from tapedeck_client.async_session import AsyncSession
from tapedeck_client.client import Client
from tapedeck_client.errors import (
    AgainstRules,
    ApiError,
    Conflict,
    ConnectionLost,
    FieldError,
    InvalidRequest,
    MalformedOrder,
    MissingExtra,
    NotAllowed,
    NotAuthenticated,
    NotCovered,
    NotFound,
    Refused,
    ServerError,
    ServiceUnavailable,
    SessionFailed,
    TapedeckError,
    TooManyRequests,
    UnexpectedAnswer,
    UnknownToBroker,
    WaitTimeout,
)
from tapedeck_client.frame_records import Batch, DayClose, DayOpen, Event, Frame, FrameId, OtherEvent
from tapedeck_client.market_records import Bar, Quote, Revision, Trade
from tapedeck_client.notices import (
    End,
    Lagging,
    Notice,
    OtherNotice,
    Reconnected,
    Released,
    Reset,
    Snapshot,
    State,
)
from tapedeck_client.order import Order
from tapedeck_client.order_handle import Closing, Orders
from tapedeck_client.session import Session
from tapedeck_client.session_info import SessionInfo, SystemStatus
from tapedeck_client.streams.async_stream import AsyncStream
from tapedeck_client.streams.stream import Stream
from tapedeck_client.tables import Table
from tapedeck_client.trading_records import (
    AccountInfo,
    AccountSettings,
    AccountTerms,
    Activity,
    EquityPoint,
    Execution,
    OrderInfo,
    Position,
)
from tapedeck_client.version import __version__

__all__ = [
    "Account",
    "AccountEvent",
    "AccountInfo",
    "AccountSettings",
    "AccountTerms",
    "Activity",
    "AgainstRules",
    "ApiError",
    "AsyncAccount",
    "AsyncClient",
    "AsyncOrder",
    "AsyncSession",
    "AsyncStream",
    "Bar",
    "Batch",
    "Client",
    "Closing",
    "Conflict",
    "ConnectionLost",
    "DayClose",
    "DayOpen",
    "End",
    "EquityPoint",
    "Event",
    "Execution",
    "FieldError",
    "Frame",
    "FrameId",
    "InvalidRequest",
    "Lagging",
    "MalformedOrder",
    "MissingExtra",
    "NotAllowed",
    "NotAuthenticated",
    "NotCovered",
    "NotFound",
    "Notice",
    "Order",
    "OrderInfo",
    "Orders",
    "OtherEvent",
    "OtherNotice",
    "Position",
    "Quote",
    "Reconnected",
    "Refused",
    "Released",
    "Reset",
    "Revision",
    "ServerError",
    "ServiceUnavailable",
    "Session",
    "SessionFailed",
    "SessionInfo",
    "Snapshot",
    "State",
    "Stream",
    "SystemStatus",
    "Table",
    "TapedeckError",
    "TooManyRequests",
    "Trade",
    "UnexpectedAnswer",
    "UnknownToBroker",
    "WaitTimeout",
    "__version__",
]
