"""Builds the image without Docker: the Dockerfile's steps, one after another, in a clean Debian; then starts its web.

`python -m tests.deployment.clean_root FOLDER [--copy FILE …] [--bind FOLDER …]`, as root, with debootstrap. Debian's
Python stands for the one of `python:3.12-slim`. `--copy` and `--bind`: what pip needs on this machine to find packages.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deployment.production import PRODUCTION

ROOT = Path(__file__).resolve().parents[2]
MIRROR, SUITE = "http://deb.debian.org/debian", "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates,libatomic1"
PORT = 8123
ENVIRONMENT = {
    **PRODUCTION,
    "DATABASE_URL": "postgresql://tapedeck@db.example.org/tapedeck",
    "REDIS_URL": "rediss://redis.example.org/0",
}


@dataclass
class Stage:
    """A root that is being built, and what holds for its next step."""

    root: Path
    binds: Sequence[Path]
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
    folder: str = "/"
    user: str = "root"
    command: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        return self.root / (Path(self.folder) / path).as_posix().lstrip("/")

    def words(self, command: Sequence[str]) -> list[str]:
        go = 'cd "$0" && exec "$@"'
        return ["chroot", f"--userspec={self.user}", str(self.root), "/bin/sh", "-c", go, self.folder, *command]

    def run(self, command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        with mounted(self.root, self.binds):
            return subprocess.run(
                self.words(command), env={**self.env, **more}, check=False, text=True, stdout=subprocess.PIPE
            )

    def step(self, name: str, rest: str, stages: dict[str, Stage]) -> None:
        match name:
            case "WORKDIR":
                self.folder = rest
                self.inside(".").mkdir(parents=True, exist_ok=True)
            case "ENV":
                for pair in shlex.split(rest):
                    key, _, value = pair.partition("=")
                    self.env[key] = value.replace("$PATH", self.env["PATH"])
            case "USER":
                self.user = rest
            case "RUN":
                if self.run(["/bin/sh", "-c", rest]).returncode:
                    raise SystemExit(f"RUN {rest}: failed")
            case "COPY":
                self._copy(rest.split(), stages)
            case "CMD":
                self.command = [word.strip().strip('"') for word in rest.strip("[]").split(", ")]
            case "EXPOSE":
                pass
            case _:
                raise SystemExit(f"{name}: this script does not know that step")

    def _copy(self, words: list[str], stages: dict[str, Stage]) -> None:
        """From the checkout what .dockerignore lets through, as root's."""
        source = stages[words.pop(0).partition("=")[2]] if words[0].startswith("--from=") else None
        *names, to = words
        for name in names:
            found = source.inside(name) if source else let_through(name)
            target = self.inside(to) / Path(name).name if to.endswith("/") or len(names) > 1 else self.inside(to)
            if found.is_dir():
                shutil.copytree(found, target, symlinks=True, ignore=None if source else ignored)
            else:
                shutil.copy2(found, target)


def let_through(name: str) -> Path:
    if f"!{name}" not in (ROOT / ".dockerignore").read_text().splitlines():
        raise SystemExit(f"COPY {name}: .dockerignore keeps it out")
    return ROOT / name


ignored = shutil.ignore_patterns("__pycache__")


@contextmanager
def mounted(root: Path, binds: Sequence[Path]) -> Iterator[None]:
    with ExitStack() as stack:
        for what in binds:
            place = root / what.as_posix().lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", str(what), str(place)], check=True)
            stack.callback(subprocess.run, ["umount", "--lazy", str(place)], check=True)
        yield


def clean_debian(folder: Path, copies: Sequence[Path]) -> Path:
    root = folder / "debian"
    if not root.exists():
        made = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root), MIRROR]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for file in (Path("/etc/resolv.conf"), *copies):
        place = root / file.as_posix().lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    return root


def steps() -> list[tuple[str, str]]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def build(folder: Path, copies: Sequence[Path], binds: Sequence[Path]) -> Stage:
    """Every stage of the Dockerfile; the last is the image."""
    debian, stages = clean_debian(folder, copies), dict[str, Stage]()
    for name, rest in steps():
        print(f"{name} {rest}"[:110], flush=True)
        if name == "FROM":
            called = rest.partition(" AS ")[2] or "image"
            root = folder / called
            shutil.rmtree(root, ignore_errors=True)
            subprocess.run(["cp", "-a", str(debian), str(root)], check=True)
            stages[called] = Stage(root, binds)
        else:
            [*stages.values()][-1].step(name, rest, stages)
    return [*stages.values()][-1]


def check(image: Stage) -> None:
    """The image's own user can start it, and can write to nothing but its folder."""
    done = image.run(["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"], **ENVIRONMENT)
    assert done.returncode == 0, done.stdout
    assert image.run(["touch", "manage.py"]).returncode != 0, "the image's user may change the program"
    assert image.run(["touch", "/var/lib/tapedeck/here"]).returncode == 0
    command = [str(PORT) if word == "8000" else word for word in image.command]
    process = subprocess.Popen(image.words(command), env={**image.env, **ENVIRONMENT})
    try:
        address = urllib.request.Request(f"http://127.0.0.1:{PORT}/healthz", headers={"Host": "tape.example.org"})
        end = time.monotonic() + 60
        while True:
            try:
                print(urllib.request.urlopen(address, timeout=5).read().decode(), flush=True)
                return
            except OSError:
                assert process.poll() is None and time.monotonic() < end, "the image's web does not answer"
                time.sleep(0.5)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copy", type=Path, nargs="*", default=[])
    parser.add_argument("--bind", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        sys.exit("This needs root and debootstrap: apt-get install debootstrap")
    given.folder.mkdir(parents=True, exist_ok=True)
    check(build(given.folder, given.copy, given.bind))
    print("The image is built and its web answers.")


if __name__ == "__main__":
    main()
