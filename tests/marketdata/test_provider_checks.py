"""A MARKETDATA_PROVIDERS that cannot work is reported by `manage.py check`."""

from __future__ import annotations

from typing import Any

import pytest

from marketdata.providers.provider_checks import check_providers

FILES = "marketdata.providers.files.FilesProvider"
ALPACA = "marketdata.providers.alpaca.AlpacaProvider"


class NoProvider:
    """Has a name and nothing else."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        pytest.param(["synthetic"], "is not a mapping", id="a list"),
        pytest.param({"x": FILES}, "['x'] has no BACKEND", id="only a path"),
        pytest.param({"x": {"OPTIONS": {}}}, "['x'] has no BACKEND", id="no backend"),
        pytest.param({"x": {"BACKEND": "no.such.Thing"}}, "No module named 'no'", id="no such module"),
        pytest.param({"x": {"BACKEND": "marketdata.providers.files.Nope"}}, "does not define", id="no such class"),
        pytest.param({"x": {"BACKEND": FILES}}, "missing 1 required keyword-only argument: 'root'", id="no root"),
        pytest.param({"x": {"BACKEND": FILES, "OPTIONS": {"root": "/nowhere"}}}, "is no folder", id="no folder"),
        pytest.param(
            {"x": {"BACKEND": FILES, "OPTIONS": {"root": "/", "rot": 1}}}, "unexpected keyword", id="misspelled"
        ),
        pytest.param({"x": {"BACKEND": FILES, "OPTION": {"root": "/"}}}, "takes BACKEND and OPTIONS", id="OPTION"),
        pytest.param({"x": {"BACKEND": ALPACA, "OPTIONS": {"feed": "cta"}}}, "none of alpaca's", id="bad feed"),
        pytest.param(
            {"x": {"BACKEND": f"{__name__}.NoProvider"}},
            "lacks dataset, label, authoritative, fetch_bars",
            id="no provider",
        ),
    ],
)
def test_each_mistake_is_named_with_the_provider(settings: Any, configured: Any, message: str) -> None:
    settings.MARKETDATA_PROVIDERS = configured
    problems = check_providers()
    assert any(message in problem.msg for problem in problems), problems
    assert all("MARKETDATA_PROVIDERS" in problem.msg for problem in problems)


def test_the_defaults_are_sound(settings: Any) -> None:
    assert check_providers() == []
