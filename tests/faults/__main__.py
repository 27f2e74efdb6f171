"""`python -m tests.faults [--kills N] [--only NAME] [--cut SECONDS] [--json]`: real faults on real days.

Without `--kills` every fault happens once, to a session of its own; with it, faults happen at random to several
sessions at once until so many processes were killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.faults.arena import ROOT, Arena


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="tapedeck-faults-") as folder:
        var = Path(given.folder or folder)
        arena = Arena(var)
        with arena.entered(given.data):
            from tests.faults import rounds

            rng = random.Random(given.seed)
            _say(f"seed {given.seed}")
            arena.keep_workers(2)
            if given.kills:
                report = rounds.chaos(arena, rng, given.kills, given.cut, _say)
            else:
                report = rounds.each_once(arena, rng, given.only, given.cut, _say)
    report["seed"] = given.seed
    if given.json:
        print(json.dumps(report))
    sys.exit(0 if report["ok"] else 1)


def arguments() -> argparse.Namespace:
    shared = Path(os.environ.get("TAPEDECK_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=0, metavar="N")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--cut", type=float, default=4.0, metavar="SECONDS", help="How long servers are cut off.")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--data", type=Path, default=shared / "data" / "bars" / "exthours_2025")
    parser.add_argument("--folder", default="", help="Kept afterwards; default: a temporary one.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object at the end.")
    given = parser.parse_args()
    if not given.data.is_dir():
        parser.error(f"no real market data at {given.data}: set TAPEDECK_SHARED to the folder that holds data/")
    return given


def _say(line: str, **_: Any) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
