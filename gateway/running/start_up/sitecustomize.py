"""Python runs this at the start of a bot's process, whose PYTHONPATH begins with this folder."""

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path


def _run_the_environments_own() -> None:
    """The `sitecustomize` that this one stands before, if there is one."""
    here = Path(__file__).resolve().parent
    others = [path for path in sys.path if Path(path).resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("TAPEDECK_RUN"):
    import tapedeck_market  # type: ignore[import-not-found]

    tapedeck_market.begin(os.environ["TAPEDECK_RUN"])
_run_the_environments_own()
