"""The project's settings on services and data of the tests' own: never those of `make start`."""

import os

from tests.own_services import claim_var_dir

# Each of the processes that share a run's tests has a folder; the programs that its tests start inherit it.
process = os.environ.get("PYTEST_XDIST_WORKER", "only")
if os.environ.get("TAPEDECK_TEST_PROCESS") != process:
    os.environ["TAPEDECK_TEST_RUN"], os.environ["TAPEDECK_TEST_PROCESS"] = str(claim_var_dir()), process
os.environ["VAR_DIR"] = os.environ["TAPEDECK_TEST_RUN"]
# The programs that tests start have the test database's URL, from which another prefix would be derived.
os.environ["REDIS_PREFIX"] = "tapedeck"

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["tests.quick_passwords.OneRound"]
API_RATES = {"caller": 1_000_000, "stranger": 1_000_000, "login": 1_000_000}

# Tests that are rolled back compute in the midst of their transaction; a busy machine takes its time for that.
DATABASES["default"]["OPTIONS"]["options"] = "-c idle_in_transaction_session_timeout=10min"  # noqa: F405
