"""Embedded services that end, hang or cannot start: reported, and brought back without a person."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import redis

from config.embedded import keeper, valkey
from config.embedded.keeper import Care, Keeper
from config.embedded.paths import valkey_url
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from config.supervisor import Child, Supervisor, cause_of_end
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


class Stubborn:
    """A service whose start fails in ways that nobody has thought of."""

    log = Path("/dev/null")

    def __init__(self, errors: list[Exception]) -> None:
        self.errors, self.starts = errors, 0

    def running(self) -> bool:
        if self.errors and self.starts == 1:
            raise self.errors.pop(0)
        return not self.errors

    def hangs(self) -> bool:
        return False

    def start(self) -> None:
        self.starts += 1
        if self.errors:
            raise self.errors.pop(0)

    def stop(self) -> None: ...


def test_whatever_a_service_raises_it_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(keeper, "FIRST_PAUSE_SECONDS", 0.01)
    errors = [psutil.NoSuchProcess(1), psutil.AccessDenied(1), ValueError("a defect"), RuntimeError("another")]
    service, said = Stubborn(list(errors)), list[str]()
    keeping = Keeper([service], said.append)  # type: ignore[list-item]
    keeping.start()
    try:
        until(lambda: said and said[-1] == "Stubborn is back.", 20)
    finally:
        keeping.stop()
    assert sum("Trying again" in line for line in said) == len(errors)


def test_a_child_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    child, said = Child("web", ["this"], tmp_path / "web.log"), list[str]()
    supervisor = Supervisor([child], tmp_path / "children.json", said.append)
    supervisor.start()
    assert child.process is not None
    until(lambda: child.process is not None and child.process.poll() is not None, 20)
    supervisor.tend()
    child.log = tmp_path / "no folder" / "web.log"
    child.not_before = 0.001
    supervisor.tend()
    assert said[-1].startswith("web cannot be started (No such file or directory). Trying again in ")
    supervisor.stop()


@pytest.mark.parametrize("text", ["", "[[1", '{"a": 1}', "[7]"])
def test_a_record_that_was_cut_off_ends_no_start(tmp_path: Path, text: str) -> None:
    record, said = tmp_path / "children.json", list[str]()
    record.write_text(text)
    Supervisor([], record, said.append).end_leftovers()
    assert "cannot be read" in said[0] and not record.exists()


def test_on_a_full_disk_that_is_the_reason_and_not_what_a_log_was_cut_off_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "replay.log"
    log.write_text("no such module\n-- ******* ---- Linux")
    assert cause_of_end(1, log) == "exit code 1: -- ******* ---- Linux"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    assert cause_of_end(1, log) == f"exit code 1: no room is left on the disk of {tmp_path}"
