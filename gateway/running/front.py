"""A web server for one bot, in a thread of this process: on a port with TLS for the vendor's hosts, and a plain one."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path
from typing import Any

import trustme
import uvicorn
from django.conf import settings
from django.utils.module_loading import import_string

from gateway.callers.key_auth import Credentials
from gateway.running.vendor_hosts import VendorHosts
from gateway.running.watched import Watched

LOOPBACK = "127.0.0.1"
DOMAIN = "alpaca.markets"
STARTS_WITHIN_SECONDS = 30.0
KEEP_ALIVE_SECONDS, PING_TIMEOUT_SECONDS = 75, 180.0
"""The same as `manage.py up`'s: a bot that polls keeps its connection, one that computes for a minute its socket."""


class FrontError(Exception):
    """The server did not start."""


class Front:
    """The web's own application, with its bounds: a bot may ask for thirty symbols at once.

    Ports are known before it starts. `authority` is the file with the certificate that its clients must trust.
    """

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self.authority = folder / "authority.pem"
        self.watched = application = Watched(VendorHosts(import_string(settings.ASGI_APPLICATION), credentials))
        tls = certified(self.authority, folder / "server.pem")
        options: dict[str, Any] = {"lifespan": "off", "log_config": None, "log_level": "critical", "access_log": False}
        options |= {"timeout_keep_alive": KEEP_ALIVE_SECONDS, "ws_ping_timeout": PING_TIMEOUT_SECONDS}
        self.servers = [
            uvicorn.Server(uvicorn.Config(application, **options)),
            uvicorn.Server(uvicorn.Config(application, ssl_certfile=tls, **options)),
        ]
        self.sockets = [listening(), listening()]
        self.plain_port, self.tls_port = (one.getsockname()[1] for one in self.sockets)
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="front", daemon=True)

    async def _serve(self) -> None:
        pairs = zip(self.servers, self.sockets, strict=True)
        await asyncio.gather(*(server.serve(sockets=[one]) for server, one in pairs))

    def start(self) -> None:
        """Raises FrontError."""
        self.thread.start()
        end = time.monotonic() + STARTS_WITHIN_SECONDS
        while not all(server.started for server in self.servers):
            if not self.thread.is_alive() or time.monotonic() > end:
                raise FrontError("The bot's web server did not start.")
            time.sleep(0.01)

    def stop(self) -> None:
        for server in self.servers:
            server.should_exit = server.force_exit = True
        if self.thread.ident:
            self.thread.join()
        for one in self.sockets:
            one.close()


def certified(authority: Path, server: Path) -> Path:
    """Writes an authority's certificate, and a server's with its key for all of the vendor's hosts; the key is ours."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(authority))
    names = (DOMAIN, f"*.{DOMAIN}", f"*.data.{DOMAIN}", f"*.sandbox.{DOMAIN}")
    server.touch(mode=0o600)
    made.issue_cert(*names, LOOPBACK, "localhost").private_key_and_cert_chain_pem.write_to_path(str(server))
    return server


def listening() -> socket.socket:
    one = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio lets small messages wait for acknowledgements
    one.bind((LOOPBACK, 0))
    return one
