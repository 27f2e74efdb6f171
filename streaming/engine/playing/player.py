"""The sessions that this worker process plays: slots, leases, wake-ups, and the sessions without a worker."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from marketdata import calendar
from sessions import wakeup
from sessions.models import ServiceHeartbeat, Session
from sessions.postgres_faults import refusal
from streaming.base.db import connected
from streaming.base.queues import ask_upkeep
from streaming.engine.playing import relief
from streaming.engine.playing.coordinator import Coordinator
from streaming.engine.publishing.bus import Bus
from streaming.engine.records import lease as leases
from streaming.engine.records.position_writer import EVERY as WRITE_EVERY
from streaming.engine.records.position_writer import PositionWriter

log = logging.getLogger(__name__)
SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that loads a day lets another run: controls are not to wait for it."""
LISTEN_FOR = 0.5
LOADERS = 8
"""Days loaded at once: more than cores, for a provider may keep some of them waiting."""


def end_process() -> None:
    """End it as a signal from outside would: the sessions are released, and the supervisor starts another worker."""
    os.kill(os.getpid(), signal.SIGTERM)


class Player:
    """One per replay worker process; a thread per session, and those that keep the leases, write, and listen.

    `give_up` ends the process: without one of those threads it would take sessions and lose them.
    """

    def __init__(
        self,
        slots: int,
        look_every: float = 1.0,
        give_up: Callable[[], None] = end_process,
        usage: relief.Usage | None = None,
    ) -> None:
        self.slots, self.look_every, self.give_up = slots, look_every, give_up
        self.usage = usage or relief.Usage()
        self.released_at = float("-inf")
        self.bus, self.position_writer = Bus(), PositionWriter()
        self.loader = ThreadPoolExecutor(max_workers=LOADERS, thread_name_prefix="loader")
        self.playing: dict[int, Coordinator] = {}
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.threads = [
            threading.Thread(target=self._serve, args=(work,), name=work.__name__.strip("_"), daemon=True)
            for work in (self._keep_leases, self._look, self._listen, self._write)
        ]

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.loader.submit(calendar.prepare)
        for thread in self.threads:
            thread.start()

    def take(self, session_id: int) -> bool:
        """Claim a session and play it in a thread of its own; False when another worker has it or no slot is free."""
        with self.lock:
            if self.closing.is_set() or session_id in self.playing or len(self.playing) >= self.slots:
                return False
            if time.monotonic() < self.released_at + relief.STAND_BACK_SECONDS:
                return False
            with connected():
                lease = leases.claim(session_id)
            if lease is None:
                return False
            coordinator = Coordinator(lease, self.bus, self.loader, self.position_writer, ask_upkeep)
            self.playing[session_id] = coordinator
        threading.Thread(target=self._play, args=(coordinator,), name=f"session-{session_id}", daemon=True).start()
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Let every session go at its next frame, so that another worker can take it at once."""
        self.closing.set()
        with self.lock:
            leaving = list(self.playing.values())
        for coordinator in leaving:
            coordinator.release()
        end = time.monotonic() + timeout
        while self.playing and time.monotonic() < end:
            time.sleep(0.02)
        for thread in self.threads:
            thread.join(LISTEN_FOR * 2)
        with connected():
            ServiceHeartbeat.objects.filter(pk=leases.worker_name()).delete()

    def _play(self, coordinator: Coordinator) -> None:
        try:
            coordinator.run()
        except (DatabaseError, InterfaceError) as error:
            log.warning("Session %s released: %s", coordinator.lease.session_id, error)
        finally:
            self.playing.pop(coordinator.lease.session_id, None)

    def _serve(self, work: Callable[[], None]) -> None:
        """A thread for as long as the player is open; a defect that ends it sooner ends the process."""
        try:
            work()
        finally:
            if not self.closing.is_set():
                log.critical("The thread that does %r has a defect: this worker ends.", work.__name__)
                self.closing.set()
                self.give_up()

    def _keep_leases(self) -> None:
        """Every `look_every` seconds, on a connection that is kept: it must not wait for the pool behind loads."""
        while not self.closing.is_set():
            try:
                self._renew()
            except (DatabaseError, InterfaceError) as error:
                log.warning("Leases are not renewed: %s", error)
                for coordinator in list(self.playing.values()):
                    coordinator.lease.refusal = refusal(error)
                connection.close()
            self.closing.wait(self.look_every)
        connection.close()

    def _look(self) -> None:
        """Every `look_every` seconds: say that we are here, take what no worker plays, give up what is too much."""
        while not self.closing.is_set():
            try:
                with connected():
                    measured = self.usage.measure(
                        {key: coordinator.cpu_seconds for key, coordinator in list(self.playing.items())}
                    )
                    self._say_here()
                    if measured:
                        self._relieve()
                    waiting = list(Session.objects.claimable(leases.ttl()).values_list("pk", flat=True))
                for session_id in waiting:
                    self.take(session_id)
            except (DatabaseError, InterfaceError) as error:
                log.warning("Sessions are not looked for: %s", error)
            self.closing.wait(self.look_every)

    def _renew(self) -> None:
        held = dict(self.playing)
        if not held:
            return
        versions = leases.renew([coordinator.lease for coordinator in held.values()])
        for session_id, coordinator in held.items():
            if versions.get(session_id) != coordinator.obeyed:
                coordinator.ask()

    def _relieve(self) -> None:
        """Give one session up where that leaves the busier of two workers with clearly less to do."""
        if self.usage.busy is None or time.monotonic() < self.released_at + relief.SETTLE_SECONDS:
            return
        roomy = [
            (row.detail["busy"], row.name)
            for row in ServiceHeartbeat.objects.filter(kind="replay", seen_at__gt=Now() - leases.ttl())
            if row.pk != leases.worker_name() and row.in_use < row.capacity and row.detail.get("busy") is not None
        ]
        if not roomy:
            return
        other, name = min(roomy)
        chosen = relief.to_release(self.usage.shares, self.usage.busy, other)
        coordinator = self.playing.get(chosen) if chosen is not None else None
        if coordinator is None:
            return
        figures = f"{self.usage.busy:.0%} of a core, {name} {other:.0%}"
        coordinator.session.record("relief", f"released by {leases.worker_name()} to another worker: it uses {figures}")
        self.released_at = time.monotonic()
        coordinator.release()

    def _say_here(self) -> None:
        ServiceHeartbeat.objects.update_or_create(
            name=leases.worker_name(),
            defaults={
                "kind": "replay",
                "pid": os.getpid(),
                "capacity": self.slots,
                "in_use": len(self.playing),
                "detail": {"redis_prefix": settings.REDIS_PREFIX, "busy": self.usage.busy},
                "seen_at": Now(),
            },
        )

    def _write(self) -> None:
        """Where the sessions stand."""
        wait = WRITE_EVERY
        while not self.closing.wait(wait):
            try:
                with connected():
                    self.position_writer.write()
                wait = WRITE_EVERY
            except (DatabaseError, InterfaceError) as error:
                log.warning("Positions are not written: %s", error)
                wait = self.look_every

    def _listen(self) -> None:
        """Wake a session as soon as it has a request."""
        while not self.closing.is_set():
            try:
                client = redis.Redis.from_url(settings.REDIS_URL)
                with client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(wakeup.channel(), wakeup.request_channel())
                    self._pass_on(channel)
            except redis.RedisError as error:
                log.warning("Redis does not answer: %s", error)
                self.closing.wait(0.5)

    def _pass_on(self, channel: redis.client.PubSub) -> None:
        while not self.closing.is_set():
            message = channel.get_message(timeout=LISTEN_FOR)
            coordinator = self.playing.get(int(message["data"])) if message else None
            if message and coordinator:
                only_request = message["channel"].decode() == wakeup.request_channel()
                coordinator.ask_participant() if only_request else coordinator.ask()
