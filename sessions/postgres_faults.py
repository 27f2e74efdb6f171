"""What keeps Postgres from doing what was asked, in words, and what a person can do about it."""

from __future__ import annotations

from django.db import connection

AWAY = ("08", "25P03", "57P")
"""Classes of SQLSTATE: connections, a frozen transaction, shutdowns. Without one, no server has answered."""
NO_ROOM = "53"
NO_ANSWER = "Postgres does not answer"
WAYS_OUT = {
    "53100": "make room on its disk",
    "53200": "give it more memory, or have it do less at once",
    "53300": "raise its max_connections, or lower DATABASE_POOL",
}
"""SQLSTATE → the way out."""
IN_WORDS = {
    "too many clients": "53300",
    "connection slots are reserved": "53300",
    "too many connections for": "53300",
    "No space left on device": "53100",
}
"""SQLSTATE by the server's words: of a connection that is refused the driver has none."""
POOL_TIMEOUT, TRIES_FOR_SECONDS = "PoolTimeout", 2


def state_of(error: BaseException) -> str:
    """The SQLSTATE that the server gave to one of Django's errors or of the driver's; empty where it gave none."""
    state = getattr(error.__cause__, "sqlstate", None) or getattr(error, "sqlstate", None)
    return state or next((found for words, found in IN_WORDS.items() if words in str(error)), "")


def refusal(error: BaseException) -> str:
    """One sentence with the words of a server that answers and has no room; empty where that is not the matter."""
    state = state_of(error)
    if not state.startswith(NO_ROOM):
        return ""
    return f"Postgres takes nothing ({_words(error)}): {WAYS_OUT.get(state, 'see its log')}"


def fault(error: BaseException) -> str:
    """The refusal, what ended a statement (a deadlock, say), or that it does not answer."""
    if type(error.__cause__).__name__ == POOL_TIMEOUT:
        found = _why_no_connection()
        if found is None:
            return "All connections of this process to Postgres are in use: raise DATABASE_POOL"
        error = found
    state = state_of(error)
    if not state or state.startswith(AWAY):
        return NO_ANSWER
    return refusal(error) or f"Postgres did not finish it ({_words(error)}): it may do so the next time"


def _why_no_connection() -> Exception | None:
    """What a connection beside the pool meets, for the pool itself does not say; None where it is let in."""
    import psycopg  # verbs that ask nothing of Postgres load this module too

    try:
        psycopg.connect(**connection.get_connection_params() | {"connect_timeout": TRIES_FOR_SECONDS}).close()
    except psycopg.Error as error:
        return error
    return None


def _words(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
