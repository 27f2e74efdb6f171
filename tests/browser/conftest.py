"""A real Chromium on a real web server with real workers, all on the test database and the test Redis."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.worker_options import QUIET
from sessions.models import ServiceHeartbeat
from sessions.redis_client import connection as redis_connection
from streaming.roles import ensure_roles
from tests.browser.watching import until
from tests.workers import database_url, real_days, sample_days

__all__ = ["real_days", "sample_days"]
ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
OpenPage = Callable[..., Page]
StartProcess = Callable[..., subprocess.Popen[bytes]]
StartWorker = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: .ci/run installs it")
        pytest.skip("no chromium on this machine")
    # Playwright keeps a loop in this thread, in which nothing of ours runs: the ORM need not refuse.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def patient(settings: Any, logs: Path) -> None:
    """A browser, a web server and a worker on a small machine take their time."""
    settings.LOADED_TIMEOUT = 120.0
    expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A test that fails shows what its pages showed and what the servers said."""
    report = yield
    if report.when == "call" and report.failed and "browser" in item.funcargs:
        pages = [page for window in item.funcargs["browser"].contexts for page in window.pages]
        report.sections += [(page.url, page.locator("body").inner_text()[:4000]) for page in pages]
        report.sections += [(log.name, log.read_text()[-4000:]) for log in item.funcargs["logs"].glob("*.log")]
    return report


@pytest.fixture(scope="module")
def start_process(django_db_setup: None, logs: Path) -> Iterator[StartProcess]:
    """Start a program of ours on the test database; all end with the module."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
        with (logs / f"{len(started)}.log").open("wb") as out:
            process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=env, stdout=out, stderr=out)
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(20)


@pytest.fixture(scope="module")
def address(start_process: StartProcess, logs: Path) -> str:
    """Where the web server listens."""
    redis_connection().flushdb()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = ("uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off")
    process = start_process(*web, "--timeout-graceful-shutdown", "1")
    base = f"http://127.0.0.1:{port}"
    _await_answer(f"{base}/healthz", process, logs)
    return base


@pytest.fixture(scope="module")
def running_worker(address: str, start_process: StartProcess) -> StartWorker:
    """A worker for starts, upkeep and replays; again where a test has killed it."""
    running: list[subprocess.Popen[bytes]] = []

    def ensure() -> subprocess.Popen[bytes]:
        if not running or running[-1].poll() is not None:
            command = ("celery", "-A", "config", "worker", "-Q", "replay,starts,upkeep", "--pool", "threads")
            name = f"browser{len(running)}@test"
            running.append(start_process(*command, "-c", "4", "-n", name, *QUIET))
        return running[-1]

    return ensure


@pytest.fixture
def worker(transactional_db: None, running_worker: StartWorker) -> subprocess.Popen[bytes]:
    """The module's worker, once it has said that it is there: each test begins with empty tables."""
    return await_heartbeat(running_worker())


def await_heartbeat(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    until(lambda: ServiceHeartbeat.objects.filter(pid=process.pid).exists(), "a worker's heartbeat", seconds=180)
    return process


def _await_answer(url: str, process: subprocess.Popen[bytes], logs: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail("the web server did not come up:\n" + "\n".join(log.read_text() for log in logs.glob("*.log")))


@pytest.fixture
def open_page(browser: Browser, address: str, transactional_db: None) -> Iterator[OpenPage]:
    """Open an address of the admin as somebody of a role, in a window of its own.

    Its script errors fail the test, and so does what the content security policy forbids.
    """
    windows: list[BrowserContext] = []
    errors: list[str] = []

    def open_(path: str, role: str = "admin", width: int = 1280, theme: str = "light") -> Page:
        viewport = {"width": width, "height": 900}
        window = browser.new_context(viewport=viewport, color_scheme=theme, base_url=address)  # type: ignore[arg-type]
        windows.append(window)
        window.add_cookies([{"name": "sessionid", "value": a_login(role), "url": address}])
        page = window.new_page()
        page.set_default_timeout(60_000)
        page.set_default_navigation_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        page.goto(path)
        return page

    yield open_
    for window in windows:
        window.close()
    assert errors == []


def a_login(role: str) -> str:
    """The login cookie of a user who has this role and no other."""
    user, made = User.objects.get_or_create(username=role, defaults={"is_staff": True})
    if made:
        ensure_roles()
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
