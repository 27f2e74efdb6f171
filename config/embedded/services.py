"""The embedded services together: those that the environment does not choose others for."""

import os
import stat
from pathlib import Path

from django.conf import settings

from config.embedded.lock import ServiceError
from config.embedded.paths import socket_dir
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey


def embedded() -> list[Postgres | Valkey]:
    """The services that this installation runs itself."""
    var = Path(settings.VAR_DIR)
    chosen: list[Postgres | Valkey] = []
    if settings.EMBEDDED_POSTGRES:
        chosen.append(Postgres(var))
    if settings.EMBEDDED_REDIS:
        chosen.append(Valkey(var))
    return chosen


def start() -> None:
    """Start what is not running. Raises ServiceError."""
    prepare(Path(settings.VAR_DIR))
    for service in embedded():
        service.start()


def stop() -> None:
    for service in reversed(embedded()):
        service.stop()


def prepare(var: Path) -> None:
    """Make the folders; the sockets' one is nobody else's. Raises ServiceError."""
    sockets = socket_dir(var)
    try:
        (var / "log").mkdir(parents=True, exist_ok=True)
        sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(
            f"{error.filename} cannot be made ({error.strerror}): set VAR_DIR to a folder of yours."
        ) from None
    # Not stat(): under /tmp somebody else could have put a link there first.
    found = sockets.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
        raise ServiceError(f"{sockets} belongs to another user (uid {found.st_uid}): remove it, or set VAR_DIR.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        sockets.chmod(0o700)
