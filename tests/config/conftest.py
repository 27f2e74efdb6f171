"""A folder for embedded servers, which end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import services
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    services.prepare(tmp_path)
    yield tmp_path
    for service in (Postgres(tmp_path), Valkey(tmp_path)):
        if service.running():
            service.stop()
