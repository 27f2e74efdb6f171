"""The suite runs on a real Postgres and Valkey that it starts itself, unless the environment chooses others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as cores, for most tests wait, each with servers of its own; one where the servers are given."""
    given = os.environ.keys() & {"DATABASE_URL", "REDIS_URL"}
    return 1 if given else 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def real_services() -> Iterator[None]:
    """Postgres and Valkey for the whole run, stopped at its end; ones that a killed run left are adopted."""
    from config.embedded import services

    services.start()
    yield
    services.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(real_services: None) -> None:
    """pytest-django makes the test database after this: the server must be there."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real market data, which is not part of the project. CI must have it; elsewhere its tests skip."""
    folder = Path(os.environ.get("TAPEDECK_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        message = f"no real market data at {folder}: set TAPEDECK_SHARED to the folder that holds data/"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
