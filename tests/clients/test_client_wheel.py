"""The package as a wheel in an environment of its own: no checkout, no Django, no numpy."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.streaming.paper import Paper
from tests.web_server import WebServer
from tests.workers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = """
import importlib.util, sys
import tapedeck_client
from tapedeck_client import Account, AsyncAccount, Client, MissingExtra, NotAllowed, Snapshot

assert all(importlib.util.find_spec(name) is None for name in ("django", "numpy", "pandas", "sessions", "streaming"))
print(tapedeck_client.__file__)
with Client.from_environment() as client:
    session = client.session(int(sys.argv[1]))
    print(session.state, len(session.bars("AAPL")), "svg" in session._repr_html_())
    print(sum(1 for _ in session.stream(from_start=True).frames()))
    print(sum(1 for _ in session.stream_bars(["AAPL"], "5m", transport="websocket")))
    for make in (session.bars("AAPL").to_polars, session.bars("AAPL").to_pandas, lambda: session.account("swing")):
        try:
            make()
        except (MissingExtra, NotAllowed) as error:
            print(error)
"""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What it prints; it knows nothing of this test's environment but where registries are."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    environment |= {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"], **kept, **proxies}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = ROOT / "clients" / "python"
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source, folder=folder)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_has_the_package_with_its_types_and_needs_two_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("METADATA"))
    assert wheel.name.startswith("tapedeck_client-") and "tapedeck_client/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tapedeck_client"}
    source = ROOT / "clients" / "python" / "src"
    assert {str(path.relative_to(source)) for path in source.rglob("*.py")} <= set(names)
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line]
    assert needed == ["Requires-Dist: httpx>=0.27", "Requires-Dist: websockets>=15"]


def test_a_program_without_the_checkout_follows_a_session(
    wheel: Path, web: WebServer, key: str, paper: Paper, tmp_path: Path
) -> None:
    paper.complete()
    run(sys.executable, "-m", "venv", "empty", folder=tmp_path)
    python = tmp_path / "empty" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, folder=tmp_path)
    (tmp_path / "program.py").write_text(SCRIPT)
    printed = run(
        python, "program.py", str(paper.session.pk), folder=tmp_path, TAPEDECK_URL=web.url, TAPEDECK_KEY=key
    ).splitlines()
    assert Path(printed[0]).is_relative_to(tmp_path)
    assert printed[1:4] == ["completed 390 True", "391", "78"]
    assert printed[4].startswith("to_polars() needs polars, which is not installed: pip install polars, or install")
    assert printed[5].endswith("with its extra [pandas].") and "--kind broker" in printed[6]
