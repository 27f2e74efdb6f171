"""Follow and control Tapedeck's replayed market sessions from any Python program or notebook.

from tapedeck_client import Client

with Client("http://127.0.0.1:8000", key="RK….…") as client:
    for bar in client.session(1).stream_bars(["AAPL"]):
        print(bar.end, bar.close)
"""

from tapedeck_client.account_records import AccountEvent
from tapedeck_client.async_client import AsyncClient
from tapedeck_client.async_session import AsyncSession
from tapedeck_client.client import Client
from tapedeck_client.errors import (
    ApiError,
    Conflict,
    ConnectionLost,
    FieldError,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    ServerError,
    ServiceUnavailable,
    SessionFailed,
    TapedeckError,
    TooManyRequests,
    UnexpectedAnswer,
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
from tapedeck_client.session import Session
from tapedeck_client.session_info import SessionInfo, SystemStatus
from tapedeck_client.streams.async_stream import AsyncStream
from tapedeck_client.streams.stream import Stream
from tapedeck_client.tables import Table
from tapedeck_client.version import __version__

__all__ = [
    "AccountEvent",
    "ApiError",
    "AsyncClient",
    "AsyncSession",
    "AsyncStream",
    "Bar",
    "Batch",
    "Client",
    "Conflict",
    "ConnectionLost",
    "DayClose",
    "DayOpen",
    "End",
    "Event",
    "FieldError",
    "Frame",
    "FrameId",
    "InvalidRequest",
    "Lagging",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Notice",
    "OtherEvent",
    "OtherNotice",
    "Quote",
    "Reconnected",
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
    "WaitTimeout",
    "__version__",
]
