"""docs/formats.md names every vendor's form that is read."""

from pathlib import Path

import pytest

from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.dialects.table import DIALECTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: f"{dialect.name} {dialect.sign}")
def test_the_page_names_each_form_with_what_it_is_known_by(dialect: Dialect) -> None:
    assert f"| {dialect.name} |" in PAGE and f"| {dialect.sign} |" in PAGE
