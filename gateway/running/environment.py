"""The environment of a bot's process: what the broker's clients read there, and the start-up hooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gateway.callers.key_auth import Credentials

START_UP = Path(__file__).parent / "start_up"
VENDOR_HOSTS = ".alpaca.markets"
OWN = ("DJANGO_SETTINGS_MODULE",)
"""What `manage.py` has put into its own environment."""


def environment(
    given: Mapping[str, str], folder: Path, credentials: Credentials, base: str | None = None
) -> dict[str, str]:
    """`folder` has what the start-up hook reads; `base` is the gateway's address for programs that have no hook."""
    kept = {name: value for name, value in given.items() if name not in OWN}
    paths = os.pathsep.join(filter(None, (str(START_UP), given.get("PYTHONPATH"))))
    node = " ".join(filter(None, (f'--require "{START_UP / "market.cjs"}"', given.get("NODE_OPTIONS"))))
    hook = {"TAPEDECK_RUN": str(folder), "PYTHONPATH": paths, "NODE_OPTIONS": node, "PYTHONUNBUFFERED": "1"}
    return kept | keys(credentials) | addresses(base) | _past_proxies(given) | hook


def keys(credentials: Credentials) -> dict[str, str]:
    """APCA_…: alpaca-trade-api and the npm client. ALPACA_…: lumibot, and what bots call them themselves."""
    names = ("APCA_API_KEY_ID", "ALPACA_API_KEY", "ALPACA_API_KEY_ID", "ALPACA_KEY", "ALPACA_KEY_ID")
    secrets = ("APCA_API_SECRET_KEY", "ALPACA_API_SECRET", "ALPACA_SECRET_KEY", "ALPACA_API_SECRET_KEY")
    switches = {"ALPACA_IS_PAPER": "true", "ALPACA_PAPER": "true"}
    secret = dict.fromkeys((*secrets, "ALPACA_SECRET"), credentials.secret)
    return dict.fromkeys(names, credentials.key) | secret | switches


def addresses(base: str | None) -> dict[str, str]:
    """The vendor's own, which the hook leads here, else `base`: clients make of them what they would, e.g. `wss`."""
    trading = base or "https://paper-api.alpaca.markets"
    data, stream = base or "https://data.alpaca.markets", base or "https://stream.data.alpaca.markets"
    own = {"ALPACA_BASE_URL": trading, "ALPACA_API_BASE_URL": trading, "ALPACA_DATA_URL": data}
    return {"APCA_API_BASE_URL": trading, "APCA_API_DATA_URL": data, "APCA_API_STREAM_URL": stream} | own


def _past_proxies(given: Mapping[str, str]) -> dict[str, str]:
    """A proxy would resolve the vendor's names itself."""
    before = given.get("no_proxy") or given.get("NO_PROXY") or ""
    hosts = ",".join(filter(None, (before, VENDOR_HOSTS, "127.0.0.1")))
    return {"NO_PROXY": hosts, "no_proxy": hosts}
