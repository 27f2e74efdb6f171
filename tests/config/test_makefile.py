"""What `make` prints while somebody waits."""

import os
import shutil
import subprocess
import venv
from pathlib import Path

from tests.workers import ROOT


def test_an_installation_says_what_comes_and_how_long_it_takes(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("pip==0 ; python_version < '3'\n")
    venv.create(tmp_path / ".venv", with_pip=True)
    make = run_make(tmp_path)
    assert make.returncode == 0, make.stderr
    first, *rest = make.stdout.splitlines()
    assert first == "Installing the 1 packages of requirements.txt into .venv/: the first time that takes some minutes."
    assert any(line.startswith("Ignoring pip") for line in rest)
    again = run_make(tmp_path)
    assert "Installing" not in again.stdout


def run_make(folder: Path) -> "subprocess.CompletedProcess[str]":
    """As typed at a prompt: what an outer `make test` hands down would have it print its folder and its flags."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", "install"], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
