"""The docs as a site: every page in its menu, and no link, anchor or name that leads nowhere."""

import subprocess
import sys
from pathlib import Path

from tests.workers import ROOT


def test_the_site_builds_without_a_warning_and_has_the_reference(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "reference" / "index.html").read_text()
    assert "tapedeck_client.client.Client" in reference and "stream_bars" in reference
    assert "tapedeck_client.account.Account" in reference and "trail_percent" in reference
    assert "Any trading day in the store" in (tmp_path / "index.html").read_text()
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert all((tmp_path / page / "index.html").exists() for page in pages)
