"""The suite runs on a real Postgres and Valkey that it starts itself, unless the environment chooses others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import emptying

pytest_plugins = ["tests.workers"]

ROOT = Path(__file__).resolve().parents[1]
LONG_SECONDS = 350
"""A test that may take longer is begun before the others."""
SHARED = Path(os.environ.get("TAPEDECK_SHARED", ROOT.parent / "shared"))


emptying.install()


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as cores, for most tests wait, each with servers of its own; one where the servers are given."""
    given = os.environ.keys() & {"DATABASE_URL", "REDIS_URL"}
    return 1 if given else 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def real_services() -> Iterator[None]:
    """Postgres and Valkey for the whole run, stopped at its end; ones that a killed run left are adopted."""
    from config.embedded import services

    services.start()
    _flush_redis()
    yield
    services.stop()


def _flush_redis() -> None:
    """An earlier run, whose database is gone, still claims the prefix of its keys."""
    from sessions.redis_client import connection

    connection().flushdb()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(real_services: None) -> None:
    """pytest-django makes the test database after this: the server must be there."""


@pytest.fixture(scope="session")
def sample() -> Path:
    """Real market data that ships with the project, in folders named as those of `shared_data`."""
    return ROOT / "sample"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real market data, for what only that can show."""
    return shared_folder("data")


@pytest.fixture(scope="session")
def market_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `shared_data`; where that is not at hand, some of its files made up in the same form."""
    if is_shared():
        return shared_folder("data")
    from tests.made_data import make

    return make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session", params=["made", "real"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files in the forms that people have: made up, and where they are at hand those that real people had."""
    if request.param == "real":
        return shared_folder("cases")
    from tests.made_cases import make

    return make(tmp_path_factory.mktemp("cases"))


def is_shared() -> bool:
    """CI must have what is not part of the project; elsewhere the tests that need it are left out."""
    return bool(os.environ.get("CI")) or SHARED.is_dir()


def shared_folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.fail(f"no {name} at {folder}: set TAPEDECK_SHARED to the folder that holds {name}/")
    return folder


def pytest_report_header() -> str | None:
    return None if is_shared() else f"left out: tests of files that are not part of the project (no {SHARED})"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that nobody waits for one of them at the end; leave out what needs
    files that are not there."""
    minutes: dict[Path, float] = {}
    for item in items:
        if (marked := item.get_closest_marker("timeout")) and marked.args[0] > LONG_SECONDS:
            minutes[item.path] = max(marked.args[0], minutes.get(item.path, 0.0))
    items.sort(key=lambda item: -minutes.get(item.path, 0.0))
    if is_shared():
        return
    needy = [item for item in items if _needs_shared(item)]
    config.hook.pytest_deselected(items=needy)
    items[:] = [item for item in items if item not in needy]


def _needs_shared(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return "shared_data" in getattr(item, "fixturenames", ()) or parameters.get("cases") == "real"
