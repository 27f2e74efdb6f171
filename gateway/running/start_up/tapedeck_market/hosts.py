"""The vendor's host names lead to the run's own web server; no connection of this process reaches the vendor."""

from __future__ import annotations

import socket
import ssl
import weakref
from collections.abc import Callable
from typing import Any

DOMAIN = "alpaca.markets"
LOOPBACK = "127.0.0.1"
STAND_IN = "127.77.0.1"
"""What a vendor's name resolves to. Connections to it are led on; nothing listens there."""
HTTP_PORT = 80
led_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def is_vendors(host: Any) -> bool:
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("latin-1")
    if not isinstance(host, str):
        return False
    name = host.lower().rstrip(".")
    return name == DOMAIN or name.endswith("." + DOMAIN)


def lead(tls_port: int, plain_port: int, authority: str) -> None:
    _lead_names()
    _lead_connections(tls_port, plain_port)
    _trust(authority)


def _lead_names() -> None:
    resolve, by_name = socket.getaddrinfo, socket.gethostbyname

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        return resolve(STAND_IN if is_vendors(host) else host, port, *_any_family(host, args, kwargs), **kwargs)

    def gethostbyname(hostname: Any) -> str:
        return STAND_IN if is_vendors(hostname) else by_name(hostname)

    socket.getaddrinfo, socket.gethostbyname = getaddrinfo, gethostbyname


def _any_family(host: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Whoever asks for IPv6 alone gets the stand-in nevertheless."""
    if not is_vendors(host):
        return args
    kwargs.pop("family", None)
    return (0, *args[1:])


def _lead_connections(tls_port: int, plain_port: int) -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def led(address: Any) -> Any:
        if isinstance(address, tuple) and (address[0] == STAND_IN or is_vendors(address[0])):
            return LOOPBACK, plain_port if address[1] == HTTP_PORT else tls_port
        return address

    def noted(self: socket.socket, address: Any) -> Any:
        if (leads := led(address)) is not address:
            led_sockets.add(self)
        return leads

    def connect_led(self: socket.socket, address: Any) -> None:
        return connect(self, noted(self, address))

    def connect_ex_led(self: socket.socket, address: Any) -> int:
        return connect_ex(self, noted(self, address))

    socket.socket.connect = connect_led  # type: ignore[assignment, method-assign]
    socket.socket.connect_ex = connect_ex_led  # type: ignore[assignment, method-assign]


def report_sends(report: Callable[[], None]) -> None:
    """Have it called before anything is sent to the vendor's names."""
    for name in ("send", "sendall", "sendmsg"):
        setattr(socket.socket, name, _reported(getattr(socket.socket, name), report))


def _reported(send: Any, report: Callable[[], None]) -> Any:
    def sending(self: socket.socket, *args: Any) -> Any:
        if self in led_sockets:
            report()
        return send(self, *args)

    return sending


def _trust(authority: str) -> None:
    """For the vendor's names alone, whichever certificates the client has chosen to trust."""
    wrap_socket, wrap_bio = ssl.SSLContext.wrap_socket, ssl.SSLContext.wrap_bio

    def prepare(context: ssl.SSLContext, name: Any) -> None:
        if is_vendors(name):
            context.load_verify_locations(cafile=authority)

    def wrap_socket_led(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
        prepare(self, args[4] if len(args) > 4 else kwargs.get("server_hostname"))
        return wrap_socket(self, *args, **kwargs)

    def wrap_bio_led(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
        prepare(self, args[3] if len(args) > 3 else kwargs.get("server_hostname"))
        return wrap_bio(self, *args, **kwargs)

    ssl.SSLContext.wrap_socket = wrap_socket_led  # type: ignore[method-assign]
    ssl.SSLContext.wrap_bio = wrap_bio_led  # type: ignore[method-assign]
