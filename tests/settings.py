"""The project's settings on services and data of the tests' own: never those of `make start`."""

import os
from pathlib import Path

os.environ["VAR_DIR"] = str(Path(__file__).resolve().parents[1] / "var" / "test")

from config.settings import *  # noqa: F403
