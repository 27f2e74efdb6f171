"""Postgres refuses root, and initdb a user without a name. How they start it, with every file where it is."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

from config.embedded.lock import ServiceError


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a server runs as: what to put before its command, and whose its data must be on disk."""

    prefix: tuple[str, ...]
    uid: int


@cache
def identity() -> Identity:
    """Raises ServiceError where root may not become somebody else."""
    if os.geteuid() != 0 and has_a_name(os.geteuid()):
        return Identity((), os.geteuid())
    for way in (in_user_namespace(), as_system_user()):
        if works(way):
            return way
    raise ServiceError(
        f"The embedded Postgres cannot run as uid {os.geteuid()} here (neither `unshare --user` nor `setpriv` works): "
        "run as a plain user, or set DATABASE_URL to a server of your own."
    )


def has_a_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return False


def in_user_namespace() -> Identity:
    """The server sees another user, while for everybody else it is still our process on our files."""
    user = system_user()
    return Identity(("unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"), os.geteuid())


def as_system_user() -> Identity:
    """For containers that forbid user namespaces. The capability lets it reach files below a folder of mode 0700."""
    user = system_user()
    # Without the secure bit, access(2) would not count the capability, and initdb not find its own programs.
    reach = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")
    return Identity(
        ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *reach), user.pw_uid
    )


def system_user() -> pwd.struct_passwd:
    """Initdb looks its user up: a number that nobody has does not do."""
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in ("postgres", "nobody", *known):
        if name in known:
            return known[name]
    raise ServiceError("The embedded Postgres needs a user other than root, and this system has none.")


def works(way: Identity) -> bool:
    if shutil.which(way.prefix[0]) is None:
        return False
    return subprocess.run([*way.prefix, "true"], check=False, capture_output=True).returncode == 0
