"""Machines of a small network on this one: network namespaces behind a bridge, each with a host name of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

NETWORK = "10.77.7"
USERS = {"tapedeck": 10001, "reader": 10002}
"""Names nobody has on this machine: a number is all that a process needs."""
REACH = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup")
"""Python itself may lie in a folder that is root's alone: such a user may read it, and write nothing."""


def why_not() -> str:
    """What is missing; empty where namespaces can be made."""
    if os.geteuid() != 0:
        return "network namespaces are made as root"
    missing = [name for name in ("ip", "setpriv", "unshare") if shutil.which(name) is None]
    return f"there is no {', no '.join(missing)}: apt-get install iproute2 util-linux" if missing else ""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Machine:
    """One namespace, with everything that was started in it."""

    def __init__(self, name: str, number: int, switch: str, log: Path) -> None:
        self.name, self.log = name, log
        self.space, self.switch = f"{switch}-{name}", switch
        self.address = f"{NETWORK}.{number}"
        self.plug = f"p{number}"
        """Its cable's end at the switch."""
        self.processes: list[subprocess.Popen[bytes]] = []

    def wire(self) -> None:
        _ip("netns", "add", self.space)
        _ip("-n", self.switch, "link", "add", self.plug, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        _ip("-n", self.switch, "link", "set", self.plug, "master", "br0", "up")
        _ip("-n", self.space, "address", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", self.space, "link", "set", link, "up")

    def cut(self) -> None:
        """Pull the cable: packets are lost, nobody is warned."""
        _ip("-n", self.switch, "link", "set", self.plug, "down")

    def join(self) -> None:
        _ip("-n", self.switch, "link", "set", self.plug, "up")

    def command(self, words: Sequence[str], user: str) -> list[str]:
        """As `user`, with none of root's rights but to read; where that is empty, the command cares for it itself."""
        named = ["unshare", "--uts", "sh", "-c", f'hostname {self.name} && exec "$@"', "sh"]
        become = []
        if user:
            become = ["setpriv", f"--reuid={USERS[user]}", f"--regid={USERS[user]}", "--clear-groups", *REACH]
        return ["ip", "netns", "exec", self.space, *named, *become, *words]

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        *,
        user: str = "tapedeck",
        called: str = "",
    ) -> subprocess.Popen[bytes]:
        with (self.log / f"{self.name}-{called or Path(words[0]).name}.log").open("ab") as out:
            process = subprocess.Popen(self.command(words, user), env={**environment}, cwd=cwd, stdout=out, stderr=out)
        self.processes.append(process)
        return process

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], cwd: Path, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        command = self.command(words, "tapedeck")
        return subprocess.run(
            command, env={**environment}, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
        )

    def end(self, process: subprocess.Popen[bytes], within: float = 20) -> None:
        """As a service manager ends it."""
        process.terminate()
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.processes.remove(process)


@contextmanager
def network(names: Sequence[str], log: Path) -> Iterator[dict[str, Machine]]:
    """Machines behind one switch; what still runs on them ends with the block."""
    switch = f"td{os.getpid()}"
    machines = {name: Machine(name, number, switch, log) for number, name in enumerate(names, 2)}
    _ip("netns", "add", switch)
    try:
        _ip("-n", switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", switch, "link", "set", "br0", "up")
        for machine in machines.values():
            machine.wire()
        yield machines
    finally:
        for machine in reversed(machines.values()):
            for process in [*machine.processes]:
                machine.end(process, 5)
        for space in [*(machine.space for machine in machines.values()), switch]:
            subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True)
