"""What the start-up hook does to a Python process, with a market clock that the test moves itself."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import os
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from gateway.callers.key_auth import Credentials
from gateway.running import bot_at_work
from gateway.running.bot_at_work import BotAtWork
from gateway.running.clock_file import NEVER_NS, ClockFile, ClockReading
from gateway.running.environment import START_UP, environment
from gateway.running.front import certified
from gateway.running.run import write_for_the_hook

SECOND = 1_000_000_000
BEGIN = int(dt.datetime(2013, 10, 7, 14, 0, tzinfo=dt.UTC).timestamp()) * SECOND
Start = Callable[..., subprocess.Popen[str]]


class Replay:
    """A folder as a run has it, with nothing behind the ports unless they are given."""

    tls_port = plain_port = 1

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, ClockFile(folder / "clock")
        self.authority = folder / "authority.pem"
        self.started: list[subprocess.Popen[str]] = []
        self.set(pace=0)

    def set(self, second: float = 0, pace: float = 1, generation: int = 1, until: int = NEVER_NS) -> None:
        self.clock.write(ClockReading(generation, BEGIN + int(second * SECOND), until, pace))

    def prepare(self, server: Path | None = None) -> None:
        certified(self.authority, server or self.folder / "server.pem")
        write_for_the_hook(self.folder, self)  # type: ignore[arg-type]

    def wait_for_the_bot(self) -> None:
        run = self.folder / "run.json"
        run.write_text(json.dumps(json.loads(run.read_text()) | {"lockstep": True}))

    def start(self, program: str, *flags: str, **variables: str) -> subprocess.Popen[str]:
        return self.run([sys.executable, *flags, "-c", textwrap.dedent(program)], **variables)

    def run(self, command: list[str], **variables: str) -> subprocess.Popen[str]:
        given = environment(os.environ, self.folder, Credentials("PK1", "secret"))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=given | variables, text=True, **pipes)  # type: ignore[call-overload]
        self.started.append(process)
        return process  # type: ignore[no-any-return]

    def lines(self, program: str, **variables: str) -> list[str]:
        out, err = self.start(program, **variables).communicate(timeout=30)
        assert not err, err
        return out.splitlines()


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    made = Replay(tmp_path)
    made.prepare()
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
    made.clock.close()


def test_every_way_to_ask_for_the_date_gives_the_markets(replay: Replay) -> None:
    shown = replay.lines("""
        import datetime, time, uuid
        print(datetime.datetime.now(datetime.timezone.utc).isoformat())
        print(datetime.datetime.utcnow().isoformat())
        print(datetime.date.today().isoformat(), datetime.datetime.today().date().isoformat())
        print(time.time(), time.time_ns(), time.strftime("%Y-%m-%d", time.gmtime()))
        import pandas
        print(pandas.Timestamp.now(tz="UTC").isoformat())
    """)
    at = "2013-10-07T14:00:00"
    assert shown[:2] == [f"{at}+00:00", at]
    assert shown[2] == "2013-10-07 2013-10-07"
    assert shown[3] == f"{BEGIN / SECOND} {BEGIN} 2013-10-07"
    assert shown[4].startswith(at)


WAITS = {
    "sleep": "time.sleep(60)",
    "asyncio": "asyncio.run(asyncio.sleep(60))",
    "event": "threading.Event().wait(60)",
    "timer": "timer = threading.Timer(60, print, ['rang']); timer.start(); timer.join()",
    "sched": "s = sched.scheduler(); s.enter(60, 1, print, ['rang']); s.run()",
}
WAIT = """
    import asyncio, sched, threading, time
    print("begins", flush=True)
    {}
    print("over", time.time() - {}, flush=True)
"""


@pytest.mark.parametrize("wait", WAITS.values(), ids=list(WAITS))
def test_a_wait_is_held_by_a_pause_and_ends_when_the_markets_clock_has_passed(replay: Replay, wait: str) -> None:
    process = replay.start(WAIT.format(wait, BEGIN // SECOND))
    assert process.stdout
    assert process.stdout.readline() == "begins\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    replay.set(pace=120)
    assert float(process.stdout.read().split()[-1]) >= 60


def test_a_seek_back_leaves_of_a_sleep_what_was_left(replay: Replay) -> None:
    process = replay.start(WAIT.format("time.sleep(60)", BEGIN // SECOND))
    assert process.stdout
    process.stdout.readline()
    replay.set(second=50, pace=0)
    time.sleep(0.2)
    replay.set(second=-3600, pace=0, generation=2)
    time.sleep(0.2)
    replay.set(second=-3595, pace=0, generation=2)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    replay.set(second=-3000, pace=0, generation=2)  # far before the moment that it was to end at
    assert float(process.stdout.read().split()[-1]) == -3000


def test_the_clock_stops_at_the_next_frame_and_never_goes_back(replay: Replay) -> None:
    replay.set(pace=100_000, until=BEGIN + 30 * SECOND)
    program = f"""
        import time
        seen = []
        for _ in range(20_000):
            seen.append(time.time())
        print(seen == sorted(seen), max(seen) - {BEGIN // SECOND})
    """
    assert replay.lines(program) == ["True 30.0"]


@pytest.mark.parametrize(
    "wait", ["time.sleep(left)", "asyncio.run(asyncio.sleep(left))", "threading.Event().wait(left)"]
)
def test_a_machine_that_looks_slowly_finds_a_bot_asleep_before_the_next_frame(
    replay: Replay, monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    look = bot_at_work._asleep

    def slowly(pids: Iterable[int]) -> dict[Path, bytes] | None:
        time.sleep(0.005)
        return look(pids)

    monkeypatch.setattr(bot_at_work, "_asleep", slowly)
    replay.wait_for_the_bot()
    replay.set(second=59.99, pace=1200, until=BEGIN + 60 * SECOND - 1_000)
    replay.start(f"import asyncio, threading, time; left = 60.001 - time.time() % 60; {wait}")
    bot, end = BotAtWork(replay.folder), time.monotonic() + 30
    while not ((rest := bot.rest()) and rest.until_ns < NEVER_NS):
        assert time.monotonic() < end
    assert rest.until_ns >= BEGIN + 60 * SECOND


def test_timeouts_stay_real(replay: Replay) -> None:
    shown = replay.lines("""
        import asyncio, queue, subprocess, sys, threading, time, types

        def passed(wait):
            began = time.monotonic()
            try:
                wait()
            except (TimeoutError, asyncio.TimeoutError, queue.Empty, subprocess.TimeoutExpired):
                pass
            print(0.15 < time.monotonic() - began < 5)

        async def never():
            await asyncio.wait_for(asyncio.Event().wait(), 0.2)

        library = types.ModuleType("urllib3.util.retry")
        exec("import time\\ndef pause(): time.sleep(0.2)", library.__dict__)
        passed(lambda: asyncio.run(never()))
        passed(lambda: queue.Queue().get(timeout=0.2))
        passed(library.pause)
        passed(lambda: subprocess.run([sys.executable, "-c", "import time; time.sleep(1)"], timeout=0.2))
    """)
    assert shown == ["True"] * 4


def test_another_sitecustomize_runs_too_and_a_process_of_the_bot_has_the_clock(replay: Replay, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('the own one')")
    both = os.pathsep.join((str(START_UP), str(own)))
    program = """
        import subprocess, sys
        subprocess.run([sys.executable, "-c", "import datetime; print(datetime.date.today())"])
    """
    assert replay.lines(program, PYTHONPATH=both) == ["the own one", "the own one", "2013-10-07"]


def test_a_process_that_cannot_be_set_up_does_not_run(replay: Replay) -> None:
    (replay.folder / "run.json").unlink()
    process = replay.start("print('it runs')")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (97, "") and "run.json" in err


def test_an_environment_without_time_machine_is_lent_it_or_says_what_to_install(replay: Replay) -> None:
    without = ("-S",)  # no site-packages; the hook is run by hand
    program = "import sitecustomize, datetime; print(datetime.date.today())"
    out, err = replay.start(program, *without).communicate(timeout=30)
    assert out.strip() == "2013-10-07", err
    for lent in (replay.folder / "libraries").iterdir():
        lent.unlink()
    process = replay.start(program, *without)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 97 and "-m pip install 'time-machine>=3'" in err


class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']}{self.path}".encode())

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def echo(replay: Replay) -> Iterator[Replay]:
    """The replay's TLS port answers with what it was asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (replay.folder / "libraries").rename(replay.folder / "before")
    replay.tls_port = server.server_address[1]
    replay.prepare()
    context.load_cert_chain(replay.folder / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield replay
    server.shutdown()
    thread.join()
    server.server_close()


CLIENTS = {
    "urllib": "import urllib.request; print(urllib.request.urlopen(URL).read().decode())",
    "requests": "import requests; print(requests.get(URL).text)",
    "urllib3": "import urllib3; print(urllib3.request('GET', URL).data.decode())",
    "httpx": "import httpx; print(httpx.get(URL).text)",
    "httpx async": "import asyncio, httpx; print(asyncio.run(httpx.AsyncClient().get(URL)).text)",
    "own trust": "import httpx, certifi, ssl; "
    "print(httpx.get(URL, verify=ssl.create_default_context(cafile=certifi.where())).text)",
    "http.client": "import http.client; c = http.client.HTTPSConnection('data.alpaca.markets'); "
    "c.request('GET', '/v2/x'); print(c.getresponse().read().decode())",
}


@pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
def test_the_vendors_hosts_lead_here_for_every_client_of_the_standard_librarys_sockets(
    echo: Replay, client: str
) -> None:
    given = {"HTTPS_PROXY": "http://192.0.2.1:9", "PYTHONWARNINGS": "error"}
    shown = echo.lines(f"URL = 'https://data.alpaca.markets/v2/x'\n{client}", **given)
    assert shown == ["data.alpaca.markets/v2/x"]


def test_other_hosts_are_left_alone_and_libraries_that_go_around_python_are_absent(replay: Replay) -> None:
    shown = replay.lines("""
        import socket
        from tapedeck_market.hosts import is_vendors
        print(socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4])
        print([is_vendors(name) for name in ("api.alpaca.markets", b"Data.Alpaca.Markets.", "notalpaca.markets", None)])
        try:
            import uvloop
        except ImportError:
            print("no uvloop")
    """)
    assert shown == ["('127.0.0.1', 80)", "[True, True, False, False]", "no uvloop"]
