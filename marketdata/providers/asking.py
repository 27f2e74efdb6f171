"""Every question to a provider goes through here: it is answered in time, or fails in a way that callers know.

A provider is somebody else's code. What it raises that it should not, and what it never answers, is a ProviderFailed;
after that it is not asked for a while, so that one that is broken does not cost everyone the deadline again and again.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from django.conf import settings
from django.db import connection

from marketdata.errors import MarketDataError, ProviderFailed

P = ParamSpec("P")
T = TypeVar("T")
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15.0, 900.0
MOST_UNANSWERED = 4
"""Questions that may hang in a process, each in a thread that cannot be ended."""
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Trouble:
    """What a provider has done lately that it should not, in this process."""

    failures: int = 0
    not_before: float = 0.0
    reason: str = ""
    unanswered: list[Future[Any]] = field(default_factory=list)

    def add(self, reason: str) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self.failures)
        self.failures += 1
        self.not_before = time.monotonic() + pause
        again = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=pause)
        self.reason = f"it is not asked again before {again:%H:%M:%S} UTC: {reason}"

    def refusal(self) -> str:
        """Why the provider is not to be asked now; empty where it is."""
        self.unanswered = [question for question in self.unanswered if not question.done()]
        if time.monotonic() < self.not_before:
            return self.reason
        if len(self.unanswered) >= MOST_UNANSWERED:
            return f"{len(self.unanswered)} questions to it are still unanswered: restart this process once it is fixed"
        return ""


_troubles: dict[str, Trouble] = {}


class Named(Protocol):
    """A provider. Optional: `deadline_seconds`, for one that may need longer than `settings.PROVIDER_DEADLINE`."""

    name: str


def ask(provider: Named, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the question, a method of the provider's, returns.

    Raises what such a method may raise, and ProviderFailed for everything else.
    """
    trouble, name = _troubles.setdefault(provider.name, Trouble()), provider.name
    if reason := trouble.refusal():
        raise ProviderFailed(f"{name} is out of order; {reason}")
    deadline = float(getattr(provider, "deadline_seconds", settings.PROVIDER_DEADLINE))
    asked = _in_thread(name, question, *args, **kwargs)
    try:
        answer = asked.result(deadline)
    except MarketDataError:
        trouble.failures = 0
        raise
    except TimeoutError:
        if asked.done():  # the provider's own
            raise _defect(name, trouble, asked.exception()) from None
        trouble.unanswered.append(asked)
        trouble.add(f"it did not answer within {deadline:g} s")
        raise ProviderFailed(f"{name} did not answer within {deadline:g} s.") from None
    except Exception as error:
        raise _defect(name, trouble, error) from error
    trouble.failures = 0
    return answer


def out_of_order(provider: str) -> bool:
    """Whether it is in a pause: work that needs it may be left for last."""
    trouble = _troubles.get(provider)
    return bool(trouble and trouble.refusal())


def forget_troubles() -> None:
    """Begin as a new process does, with no troubles known."""
    _troubles.clear()


def _defect(provider: str, trouble: Trouble, error: BaseException | None) -> ProviderFailed:
    reason = f"{type(error).__name__}: {error}"
    log.error("The provider %s has a defect", provider, exc_info=error)
    trouble.add(reason)
    return ProviderFailed(f"{provider} has a defect: {reason}")


def _in_thread(provider: str, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """A daemon thread, for a pool's threads would keep the process from ending."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(question, *args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it is raised to whoever asked
            future.set_exception(error)
        finally:
            connection.close()

    threading.Thread(target=run, name=f"provider-{provider}", daemon=True).start()
    return future
