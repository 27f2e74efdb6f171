"""Where the embedded services live. Pure: importing it starts and creates nothing."""

import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path

# sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


def socket_dir(var: Path) -> Path:
    """`var/run`, or, where that is too deep for a Unix socket, a folder of this user's under /tmp."""
    preferred = var / "run"
    if len(os.fsencode(preferred)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
        return preferred
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tapedeck-{os.getuid()}-{digest}"


def postgres_url(var: Path, database: str = "tapedeck") -> str:
    """psycopg's URL form for a server that listens on the Unix socket only."""
    return f"postgresql://tapedeck@/{database}?host={socket_dir(var)}"


def valkey_url(var: Path, db: int = 0) -> str:
    return f"unix://{socket_dir(var)}/valkey.sock?db={db}"


def package_folder(name: str) -> Path:
    """Where an installed package lies, without importing it: the servers' wheels do things at import."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"The package {name} is not installed: run `make install`.")
    return Path(spec.origin).parent
