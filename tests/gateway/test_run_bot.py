"""Bots as they are, in processes of their own, inside a session: they know no address, no key and no clock of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from broker.models import Account, AccountEvent, Order
from config.asgi import application
from config.management.commands.up import WEB_OPTIONS
from gateway.callers.key_auth import Credentials
from gateway.running.front import Front
from sessions import control
from sessions.models import Session, SessionEvent, SessionKey
from sessions.removal import delete_sessions
from tests.gateway.conftest import DAY, StartReplay
from tests.streaming.playing import wait_until
from tests.streaming.rows import a_session
from tests.workers import ROOT, database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
WEB = dict(zip(WEB_OPTIONS[::2], WEB_OPTIONS[1::2], strict=True))

BARE = """
    import datetime, sys, time
    import requests

    KEYS = {"APCA-API-KEY-ID": "PKWRITTENINTHECODE", "APCA-API-SECRET-KEY": "so-is-this"}
    TRADING, DATA = "https://paper-api.alpaca.markets", "https://data.alpaca.markets"

    print("begins", datetime.datetime.now(datetime.timezone.utc).isoformat(), datetime.date.today())
    order = {"symbol": "AAPL", "qty": "5", "side": "buy", "type": "market", "time_in_force": "day"}
    answer = requests.post(TRADING + "/v2/orders", json=order, headers=KEYS)
    print(answer.status_code, answer.text[:200])
    path = TRADING + "/v2/orders/" + answer.json()["id"]
    while requests.get(path, headers=KEYS).json()["status"] != "filled":
        time.sleep(30)
    began = time.time()
    time.sleep(120)
    print("slept", round(time.time() - began))
    print(requests.get(DATA + "/v2/stocks/AAPL/bars/latest", headers=KEYS).json()["symbol"])
    print("a word on stderr", file=sys.stderr)
    sys.exit(3)
"""
CLIENT = """
    import os, threading
    from datetime import datetime, timedelta, timezone
    from alpaca.data.live import StockDataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.requests import MarketOrderRequest
    from alpaca.trading.stream import TradingStream

    keys = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
    trading, updates = TradingClient(*keys, paper=True), TradingStream(*keys, paper=True)
    bars = StockDataStream(*keys)

    async def on_update(update):
        print(f"update {update.event}\\n", end="", flush=True)  # two threads write
        if update.event == "fill":
            await updates.stop_ws()

    async def on_bar(bar):
        age = datetime.now(timezone.utc) - bar.timestamp
        print(f"bar {bar.symbol} {timedelta(0) <= age < timedelta(hours=2)}\\n", end="", flush=True)
        if not ordered:
            ordered.append(trading.submit_order(
                MarketOrderRequest(symbol="AAPL", qty=3, side="buy", time_in_force="day")))
        else:
            await bars.stop_ws()

    ordered = []
    updates.subscribe_trade_updates(on_update)
    following = threading.Thread(target=updates.run)
    following.start()
    bars.subscribe_bars(on_bar, "AAPL")
    bars.run()
    following.join()
    print("position", trading.get_open_position("AAPL").qty)
"""


def run_bot(session: Session, bot: Path, *options: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "manage.py"), "run_bot", str(session.pk), *options, "--"]
    return subprocess.Popen(
        [*command, sys.executable, str(bot)],
        env={**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def written(folder: Path, bot: str) -> Path:
    path = folder / "bot.py"
    path.write_text(textwrap.dedent(bot))
    return path


def finished(process: subprocess.Popen[str], within: float = 120) -> tuple[str, str]:
    try:
        return process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate()
        pytest.fail(f"the bot did not end:\n{out}\n{err}")


def last_event(session: Session) -> SessionEvent:
    event = session.events.filter(kind="bot").first()
    assert event is not None
    return event


def test_a_bot_with_the_vendors_hosts_and_keys_in_its_code_trades_the_past_day(
    start_replay: StartReplay, tmp_path: Path
) -> None:
    session = start_replay(10, 120.0).session
    bot = run_bot(session, written(tmp_path, BARE), "--account", "swing")
    out, err = finished(bot)
    assert bot.returncode == 3, out + err
    stamp = rf"{DAY} \d\d:\d\d:\d\d"
    assert re.search(rf"^{stamp} begins {DAY}T1\d:\d\d.* {DAY}$", out, flags=re.M), out + err
    slept = re.search(r"slept (\d+)", out)
    assert slept and 120 <= int(slept[1]) < 180
    assert re.search(rf"^{stamp} a word on stderr$", err, flags=re.M), err
    account = Account.objects.get(session=session, name="swing")
    assert Order.objects.get(account=account).status == "filled"
    event = last_event(session)
    assert event.data["exit_code"] == 3 and event.data["orders"] == 1 and event.data["fills"] == 1
    assert "ended with exit code 3: 1 order, 1 fill" in event.message
    assert not SessionKey.objects.filter(account_key__account=account, revoked_at=None).exists()


def test_a_bot_of_the_vendors_client_without_an_address_gets_its_streams_and_fills(
    start_replay: StartReplay, tmp_path: Path
) -> None:
    session = start_replay(10, 60.0).session
    bot = run_bot(session, written(tmp_path, CLIENT))
    out, err = finished(bot)
    assert bot.returncode == 0, out + err
    assert "bar AAPL True" in out and "bar AAPL False" not in out, out
    assert "update new" in out and "update fill" in out and "position 3" in out, out + err
    assert AccountEvent.objects.filter(account__session=session, kind="fill").count() == 1


def test_a_bot_that_sleeps_is_woken_after_the_sessions_end_and_then_stopped(
    start_replay: StartReplay, tmp_path: Path
) -> None:
    session = start_replay(10, 60.0).session
    program = "import time\nprint('begins')\ntime.sleep(8 * 3600)\nprint('woken')\ntime.sleep(10**9)"
    bot = run_bot(session, written(tmp_path, program), "--linger", "2")
    assert bot.stdout
    assert "begins" in bot.stdout.readline()
    control.set_speed(session.pk, 100_000)
    out, err = finished(bot, 60)
    assert "woken" in out, err
    assert bot.returncode == 0
    assert "exit code 130, stopped after the session's end" in last_event(session).message


def test_a_run_that_is_stopped_ends_its_bot_and_its_key(start_replay: StartReplay, tmp_path: Path) -> None:
    session = start_replay(10, 0).session
    bot = run_bot(session, written(tmp_path, "import os, time\nprint(os.getpid())\ntime.sleep(60)"))
    assert bot.stdout
    pid = int(bot.stdout.readline().split()[-1])
    bot.terminate()
    finished(bot, 30)
    assert not psutil.pid_exists(pid)
    assert session.keys.filter(created_by="run_bot", revoked_at=None).count() == 0
    assert last_event(session).data["exit_code"] == 130


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["no-such-bot"], "There is no program 'no-such-bot'."),
        ([sys.executable, "-I", "bot.py"], "With -I Python reads no start-up hook"),
        ([sys.executable, "-uE", "-m", "bot"], "With -uE Python reads no start-up hook"),
        ([sys.executable, "bot.py", "-E"], "There is no session 4711"),
    ],
)
def test_what_cannot_be_run_is_refused(command: list[str], says: str, db: None) -> None:
    with pytest.raises(CommandError, match=re.escape(says)):
        call_command("run_bot", "4711", "--", *command)


@pytest.mark.django_db
def test_a_script_that_is_not_there_opens_no_account() -> None:
    session = a_session("AAPL")
    with pytest.raises(CommandError, match=r"There is no file 'nowhere\.py'"):
        call_command("run_bot", str(session.pk), "--", sys.executable, "nowhere.py")
    assert not Account.objects.exists()


def test_a_session_that_is_over_takes_no_bot(start_replay: StartReplay) -> None:
    session = start_replay(10, 0).session
    control.stop(session.pk)
    while session.is_live:
        session.refresh_from_db()
    with pytest.raises(CommandError, match=f"Session {session.pk} is stopped: a bot needs one that is live."):
        call_command("run_bot", str(session.pk), "--", sys.executable)


def test_a_bot_whose_session_is_deleted_is_stopped_with_the_reason(start_replay: StartReplay, tmp_path: Path) -> None:
    session = start_replay(10, 60.0).session
    bot = run_bot(
        session, written(tmp_path, 'import time\nprint("on", flush=True)\ntime.sleep(9**9)'), "--linger", "60"
    )
    assert bot.stdout and "on" in bot.stdout.readline()
    control.stop(session.pk)
    wait_until(session, lambda row: not row.is_live)
    delete_sessions([session.pk])
    out, err = finished(bot, 30)
    assert bot.returncode == 130, out + err
    assert f"ended with exit code 130, stopped: session {session.pk} was deleted: 0 orders, 0 fills" in err
    assert "DoesNotExist" not in err, err


def test_a_bot_goes_on_when_its_output_is_read_no_more(start_replay: StartReplay, tmp_path: Path) -> None:
    session = start_replay(10, 0).session
    bot = run_bot(session, written(tmp_path, "import sys\nfor i in range(20_000): print('x' * 80)\nsys.exit(4)"))
    assert bot.stdout
    bot.stdout.readline()
    bot.stdout.close()
    assert bot.wait(60) == 4
    assert bot.stderr
    bot.stderr.close()


def test_its_web_server_is_the_webs_own_with_its_bounds_and_its_patience(tmp_path: Path) -> None:
    """A bot asks for thirty symbols at once, or computes for a minute."""
    front = Front(tmp_path, Credentials("PK1", "secret"))
    configs = [server.config for server in front.servers]
    front.stop()
    assert {config.app.application.application for config in configs} == {application}  # type: ignore[union-attr]
    assert [config.timeout_keep_alive for config in configs] == [int(WEB["--timeout-keep-alive"])] * 2
    assert [config.ws_ping_timeout for config in configs] == [float(WEB["--ws-ping-timeout"])] * 2
