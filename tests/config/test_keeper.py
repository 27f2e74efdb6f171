"""Embedded services that end, hang or cannot start: reported, and brought back without a person."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest
import redis

from config.embedded import keeper, valkey
from config.embedded.keeper import Care, Keeper
from config.embedded.paths import valkey_url
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from config.supervisor import Child, Supervisor
from tests.config.test_services import until


def test_a_postgres_that_cannot_start_is_tried_until_it_can(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(keeper, "LONGEST_PAUSE_SECONDS", 0.2)
    server, said = Postgres(var), list[str]()
    server.start()
    settings = server.data / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "\nshared_buffers = 'the disk is full'\n")
    keeping = Keeper([server], said.append)
    keeping.start()
    try:
        psutil.Process(int((server.data / "postmaster.pid").read_text().split("\n")[0])).kill()
        until(lambda: sum("Trying again" in line for line in said) >= 2, 60)
        assert said[0].startswith("Postgres does not answer: ") and "postgres.log" in said[0]
        assert said[1].startswith("Postgres is not back: Postgres did not start (pg_ctl): ")
        settings.write_text(good)
        until(lambda: said[-1] == "Postgres is back.", 60)
        assert server.running()
    finally:
        keeping.stop()
    server.stop()
    assert not server.running(), "a keeper that was stopped starts nothing any more"


def test_a_valkey_that_hangs_is_replaced_and_keeps_its_data(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "ANSWERS_WITHIN", 2.0)
    monkeypatch.setattr(valkey, "STOPS_WITHIN", 1.0)
    server, said = Valkey(var), list[str]()
    server.start()
    client = redis.Redis.from_url(valkey_url(var))
    client.set("kept", "yes")
    client.execute_command("WAITAOF", 1, 0, 5000)
    pid = client.info("server")["process_id"]  # type: ignore[index]
    client.close()
    assert not server.hangs()
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    assert server.hangs()
    keeping, care = Keeper([server], said.append), Care(server)
    keeping.look(care)
    assert "Valkey is not back: Valkey is there but does not answer" in said[-1]
    care.not_before = 0.0
    keeping.look(care)
    keeping.look(care)
    assert said[-1] == "Valkey is back."
    again = redis.Redis.from_url(valkey_url(var))
    assert again.get("kept") == b"yes"
    again.close()


def test_children_run_though_their_record_cannot_be_written(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("server", ["http.server", "--bind", "127.0.0.1", "0"], tmp_path / "server.log")
    supervisor = Supervisor([child], tmp_path / "gone" / "children.json", said.append)
    supervisor.start()
    assert child.process is not None and child.process.poll() is None
    child.process.kill()
    child.process.wait()
    until(lambda: supervisor.tend() or (child.process is not None and child.process.poll() is None))
    assert f"{tmp_path}/gone/children.json cannot be written: No such file or directory." in said
    supervisor.stop()
