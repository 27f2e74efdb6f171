"""The embedded services and the process that keeps the others running."""

from __future__ import annotations

import fcntl
import os
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from django.core.management import CommandError
from django.test import override_settings

from config import first_steps
from config.embedded import services, valkey
from config.embedded.lock import ServiceError
from config.embedded.paths import LONGEST_SOCKET_PATH, postgres_url, socket_dir, valkey_url
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from config.management.commands.up import only_one, refuse_busy
from config.supervisor import Child, Supervisor

ROOT = Path(__file__).resolve().parents[2]


def test_a_deep_clone_still_gets_a_socket_path_that_fits() -> None:
    deep = Path("/home/somebody") / ("x" * 100) / "var"
    assert len(os.fsencode(socket_dir(deep) / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH
    assert socket_dir(deep) != socket_dir(deep.parent), "two clones never share a folder"
    assert socket_dir(Path("/srv/var")) == Path("/srv/var/run")


def test_a_sockets_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    services.prepare(tmp_path)
    assert stat.S_IMODE(socket_dir(tmp_path).stat().st_mode) == 0o700
    if os.geteuid() == 0:
        os.chown(socket_dir(tmp_path), 65534, 65534)
        with pytest.raises(ServiceError, match="belongs to another user"):
            services.prepare(tmp_path)
        os.chown(socket_dir(tmp_path), 0, 0)


def test_postgres_comes_up_once_for_two_starters_and_is_adopted_by_the_next(var: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: Postgres(var).start(), range(2)))
    with psycopg.connect(postgres_url(var)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("tapedeck",)
    pid = (var / "postgres" / "postmaster.pid").read_text().split("\n")[0]
    Postgres(var).start()
    assert (var / "postgres" / "postmaster.pid").read_text().split("\n")[0] == pid


def test_postgres_starts_after_a_kill_a_recycled_pid_and_a_half_made_folder(var: Path) -> None:
    (var / "postgres.new").mkdir()
    (var / "postgres.new" / "PG_VERSION").write_text("18")
    server = Postgres(var)
    server.start()
    pid_file = var / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    psutil.Process(int(lines[0])).kill()
    psutil.wait_procs([p for p in psutil.process_iter() if p.pid == int(lines[0])], timeout=10)
    time.sleep(0.5)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    server.start()
    assert server.running()


def test_valkey_comes_up_once_and_keeps_what_it_was_given_through_a_kill(var: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: Valkey(var).start(), range(2)))
    client = redis.Redis.from_url(valkey_url(var))
    client.set("kept", "yes")
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"  # type: ignore[index]
    assert client.config_get("rdbcompression")["rdbcompression"] == "no"  # type: ignore[index]
    time.sleep(1.2)
    psutil.Process(client.info("server")["process_id"]).kill()  # type: ignore[index]
    time.sleep(0.2)
    client.close()
    assert not Valkey(var).running()
    Valkey(var).start()
    again = redis.Redis.from_url(valkey_url(var))
    assert again.get("kept") == b"yes"
    again.close()


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    with override_settings(VAR_DIR=tmp_path):
        first_steps.ensure_secret_key()
        kept = (tmp_path / "secret_key").read_text()
        first_steps.ensure_secret_key()
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert (tmp_path / "secret_key").read_text() == kept and len(kept) > 50


@pytest.mark.django_db
def test_the_admin_login_is_made_once(tmp_path: Path) -> None:
    with override_settings(VAR_DIR=tmp_path):
        password = first_steps.ensure_admin()
        assert first_steps.ensure_admin() is None
    assert (tmp_path / "admin_password").read_text().strip() == password
    assert stat.S_IMODE((tmp_path / "admin_password").stat().st_mode) == 0o600


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} of 127.0.0.1 cannot be used.*--port"):
            refuse_busy("127.0.0.1", port)


def test_a_second_starter_is_reported_where_the_first_is(tmp_path: Path) -> None:
    lock = tmp_path / "up.lock"
    message = f"already running here .pid {os.getpid()}.: http://here"
    with only_one(lock, "http://here"), pytest.raises(CommandError, match=message), only_one(lock, "http://there"):
        pass
    with only_one(lock, "http://there"):
        assert "http://there" in lock.read_text()


def until(condition: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.02)
    assert condition()  # type: ignore[operator]


def test_a_child_that_ends_is_reported_and_started_again_and_all_end_together(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("server", ["http.server", "--bind", "127.0.0.1", "0"], tmp_path / "server.log")
    supervisor = Supervisor([child], tmp_path / "children.json", said.append)
    supervisor.start()
    assert child.process is not None
    first = child.process.pid
    child.process.kill()
    child.process.wait()
    until(lambda: supervisor.tend() or (child.process is not None and child.process.pid != first))
    assert len(said) == 1 and said[0].startswith("server ended (killed by SIGKILL). Starting it again")
    second = child.process.pid
    supervisor.stop()
    assert not psutil.pid_exists(second) and not (tmp_path / "children.json").exists()


def test_children_of_a_killed_supervisor_are_ended_by_the_next(tmp_path: Path) -> None:
    child = Child("server", ["http.server", "--bind", "127.0.0.1", "0"], tmp_path / "server.log")
    Supervisor([child], tmp_path / "children.json", print).start()
    assert child.process is not None
    orphan = child.process
    Supervisor([], tmp_path / "children.json", print).end_leftovers()
    assert not psutil.pid_exists(orphan.pid)
    orphan.poll()


def test_a_command_without_services_says_so_in_one_line(tmp_path: Path) -> None:
    env = {**os.environ, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, str(ROOT / "manage.py"), "pause_session", "1"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "make start" in done.stderr or "manage.py up" in done.stderr


class Loading(socketserver.StreamRequestHandler):
    """What a Valkey says that reads much data from its disk, for so many questions; then it serves."""

    left = 0

    def handle(self) -> None:
        while line := self.rfile.readline():
            words = [self.rfile.readline() + self.rfile.readline() for _ in range(int(line[1:]))]
            if b"PING" in words[0]:
                type(self).left -= 1
                self.wfile.write(b"-LOADING the dataset in memory\r\n" if self.left > 0 else b"+PONG\r\n")
            else:
                self.wfile.write(b"%1\r\n+proto\r\n:3\r\n" if b"HELLO" in words[0] else b"+OK\r\n")


def test_a_valkey_that_reads_much_data_is_waited_for_as_long_as_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "ANSWERS_WITHIN", 0.2)
    monkeypatch.setattr(Loading, "left", 40)
    service = Valkey(tmp_path)
    service.data.mkdir()
    service.log.parent.mkdir()
    service.socket.parent.mkdir(exist_ok=True)
    lock = (service.data / "server.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    with lock, socketserver.ThreadingUnixStreamServer(str(service.socket), Loading) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            service.start()
            assert Loading.left <= 0, "it serves by now"
        finally:
            server.shutdown()
