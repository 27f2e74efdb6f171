"""The project's settings on services and data of the tests' own: never those of `make start`."""

import os

from tests.own_services import claim_var_dir

# The processes that a test starts inherit the run's folder.
if "TAPEDECK_TEST_RUN" not in os.environ:
    os.environ["TAPEDECK_TEST_RUN"] = str(claim_var_dir())
os.environ["VAR_DIR"] = os.environ["TAPEDECK_TEST_RUN"]

from config.settings import *  # noqa: F403

API_RATES = {"caller": 1_000_000, "stranger": 1_000_000, "login": 1_000_000}
