"""JavaScript under its start-up hook, and programs that have none."""

from __future__ import annotations

import shutil
import socket
import subprocess

import pytest

from gateway.running import other_programs
from tests.gateway.test_start_up_hook import BEGIN, SECOND, Replay, echo, replay

__all__ = ["echo", "replay"]

IN_NODE = {
    "date": "console.log(new Date().toISOString(), Date.now(), new Date() instanceof Date, typeof Date())",
    "fetch": "fetch('https://data.alpaca.markets/v2/x').then((a) => a.text()).then(console.log)",
    "https": "require('https').get('https://data.alpaca.markets/v2/x', (a) => "
    "a.on('data', (d) => console.log(`${d}`)))",
}
IN_NODE_SHOWN = {
    "date": f"2013-10-07T14:00:00.000Z {BEGIN // 1_000_000} true string",
    "fetch": "data.alpaca.markets/v2/x",
    "https": "data.alpaca.markets/v2/x",
}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


@needs_node
@pytest.mark.parametrize("name", list(IN_NODE))
def test_javascript_has_the_markets_date_and_the_led_hosts(echo: Replay, name: str) -> None:
    out, err = echo.run(["node", "-e", IN_NODE[name]]).communicate(timeout=30)
    assert out.strip() == IN_NODE_SHOWN[name], err


@needs_node
@pytest.mark.parametrize(
    "wait",
    [
        "setTimeout(over, 60000)",
        "require('util').promisify(setTimeout)(60000).then(over)",
        "require('timers/promises').setTimeout(60000).then(over)",
        "const each = setInterval(() => { clearInterval(each); over() }, 60000)",
    ],
)
def test_timers_of_javascript_are_in_market_time(replay: Replay, wait: str) -> None:
    over = f"const over = () => console.log(Date.now() / 1000 - {BEGIN // SECOND}); console.log('begins');"
    process = replay.run(["node", "-e", f"{over}; {wait}"])
    assert process.stdout
    assert process.stdout.readline() == "begins\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    replay.set(pace=120)
    assert float(process.stdout.read()) >= 60


@needs_node
def test_timeouts_of_fetch_are_in_real_time_whatever_the_speed(replay: Replay) -> None:
    """Ten seconds to connect, by its own timer, are 2 ms at this pace; the server says nothing for half a second."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        replay.tls_port = silent.getsockname()[1]
        (replay.folder / "libraries").rename(replay.folder / "before")
        replay.prepare()
        replay.set(pace=5000)
        process = replay.run(
            ["node", "-e", "fetch('https://data.alpaca.markets').catch((e) => console.log(e.cause.code))"]
        )
        client, _ = silent.accept()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        client.close()
    assert process.communicate(timeout=30)[0].strip() != "UND_ERR_CONNECT_TIMEOUT"


@pytest.mark.skipif(other_programs.library() is None, reason="libfaketime is not installed")
def test_a_program_without_a_hook_has_the_markets_date_by_libfaketime(replay: Replay) -> None:
    file = other_programs.FakeTimeFile(replay.folder)
    library = other_programs.library()
    assert library
    shown = []
    for second in (0, 3600):
        file.write(BEGIN + second * SECOND)
        process = replay.run(["date", "-u", "+%F %T"], **other_programs.preloaded(library, replay.folder))
        shown.append(process.communicate(timeout=30)[0].strip())
    assert shown == ["2013-10-07 14:00:00", "2013-10-07 15:00:00"]
