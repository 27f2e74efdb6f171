"""Who a request comes from where proxies stand in front: only those that are trusted are believed."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.core.exceptions import ImproperlyConfigured

Network = IPv4Network | IPv6Network
FORWARDED_FOR, FORWARDED_PROTO = b"x-forwarded-for", b"x-forwarded-proto"
SECURE = {"http": "https", "ws": "wss"}


def networks(texts: Iterable[str]) -> list[Network]:
    """Raises ImproperlyConfigured, with the text that is no network."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text.strip()))
        except ValueError:
            raise ImproperlyConfigured(
                f"TRUSTED_PROXIES has {text!r}: write addresses or networks, e.g. 10.0.0.7,172.16.0.0/12."
            ) from None
    return found


def as_seen(scope: MutableMapping[str, Any], trusted: Sequence[Network]) -> MutableMapping[str, Any]:
    """The scope with the client's own address and scheme, as the trusted proxies in front have passed them on.

    Of `X-Forwarded-For` the last address counts that no trusted proxy has: what stands before it anybody can send.
    """
    client = scope.get("client")
    if not client or not _is_trusted(client[0], trusted):
        return scope
    headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    passed = [part.strip() for name, value in headers if name == FORWARDED_FOR for part in value.split(",")]
    address = next((part for part in reversed(passed) if not _is_trusted(part, trusted)), None)
    secure = [value for name, value in headers if name == FORWARDED_PROTO][-1:] == ["https"]
    seen: dict[str, Any] = {"client": (address, 0)} if address and _is_address(address) else {}
    if secure and scope.get("scheme") in SECURE:
        seen["scheme"] = SECURE[scope["scheme"]]
    return {**scope, **seen}


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
