"""A real web server: uvicorn on the test database, which can be killed and started again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings

from tests.workers import ROOT, database_url


class WebServer:
    """One address; a process behind it from `start` to `stop`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "web.log"
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        services = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "API_RATE": "1000000"}
        env = {**os.environ, **services, **self.environment}
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(self.port)]
        command += ["--lifespan", "off", "--timeout-graceful-shutdown", "1"]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        self._await_answer(self.process)

    def stop(self) -> None:
        """As a crash: connections break off in the midst."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/api/status/", timeout=30):
                    return
            except urllib.error.HTTPError:
                return  # without a key it refuses, in good health
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"the web server did not come up:\n{self.log.read_text()}")
