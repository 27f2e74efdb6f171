"""Where the embedded services live. Pure: importing it starts and creates nothing."""

import hashlib
import importlib.util
import os
import re
from pathlib import Path

# sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")
POSTGRES_PORT = 5432
# Anything else means something in a URL, or, like the comma, in libpq's list of hosts.
PLAIN = re.compile(r"[A-Za-z0-9_./~-]+")


def default_var(base: Path) -> Path:
    """Beside the code in a clone; in the user's own data folder where the code is installed as a package."""
    if (base / "pyproject.toml").exists():
        return base / "var"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tapedeck"


def socket_dir(var: Path) -> Path:
    """`var/run`, or, where that is too deep or too odd for a socket's address, a folder of this user's under /tmp."""
    preferred = var / "run"
    fits = len(os.fsencode(preferred)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
    if fits and PLAIN.fullmatch(str(preferred)):
        return preferred
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    # Not TMPDIR: every process must find the same folder, whatever its environment.
    return Path("/tmp") / f"tapedeck-{os.getuid()}-{digest}"  # noqa: S108 - `prepare` refuses one of somebody else's


def postgres_url(var: Path, database: str = "tapedeck") -> str:
    """psycopg's URL form for a server that listens on the Unix socket only."""
    return f"postgresql://tapedeck@/{database}?host={socket_dir(var)}&port={POSTGRES_PORT}"


def valkey_url(var: Path, db: int = 0) -> str:
    return f"unix://{socket_dir(var)}/valkey.sock?db={db}"


def running_address(var: Path) -> str:
    """Where `manage.py up` said that it listens, when it was last started; empty before."""
    try:
        return (var / "up.url").read_text().strip()
    except OSError:
        return ""


def package_folder(name: str) -> Path:
    """Where an installed package lies, without importing it: the servers' wheels do things at import."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"The package {name} is not installed: run `make install`.")
    return Path(spec.origin).parent
