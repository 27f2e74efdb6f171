"""The start-up hook of bots in Python: market time and the vendor's hosts, inside this process alone.

It runs in the bot's environment, which need not be Tapedeck's: standard library and time-machine, Python 3.10 or newer.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from pathlib import Path

from . import at_work, clock, hosts, libraries, waiting

FAILED = 97
"""Exit code of a process that the hook could not set up."""
NO_TIME_MACHINE = (
    "{0} has no time-machine of version 3 or newer, which gives it the session's clock: "
    "`{0} -m pip install 'time-machine>=3'` installs it.\n"
)


def begin(folder: str) -> None:
    """Ends the process where it fails: Python would report it and go on, with the vendor's own hosts."""
    try:
        ready = _prepared(Path(folder))
    except BaseException:  # noqa: BLE001 - see above
        traceback.print_exc()
        ready = False
    if not ready:
        sys.stderr.flush()
        os._exit(FAILED)


def _prepared(folder: Path) -> bool:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    libraries.hide_what_leaves_python()
    hosts.lead(run["tls_port"], run["plain_port"], str(folder / "authority.pem"))
    market = clock.MarketClock(folder / "clock")
    if not libraries.travel(market.time_ns, run["libraries"]):
        sys.stderr.write(NO_TIME_MACHINE.format(sys.executable))
        return False
    work = at_work.AtWork(folder) if run.get("lockstep") else None
    waiting.in_market_time(market, work)
    if work:
        hosts.report_sends(work.sends)
        at_work.watch(work, lambda module: module.partition(".")[0] in waiting.CLIENTS | waiting.STANDARD)
    warnings.filterwarnings("ignore", message="System time is way off")  # urllib3's, of years before its own
    (folder / "hooked").touch()
    return True
