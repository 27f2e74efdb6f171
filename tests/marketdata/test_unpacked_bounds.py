"""A small file that unpacks to a huge one is refused before it fills the memory, in whatever it is packed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.files import containers
from marketdata.importing.files.parquet_files import read_parquet
from marketdata.importing.tables.bar_reading import read

HEAD = "timestamp,open,high,low,close,volume\n"
ROW = "2025-07-02T13:30:00Z,10,11,9,10,5\n"


def zipped(data: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("AAPL.csv", data)


def as_parquet(data: bytes, path: Path) -> None:
    lines = data.decode().splitlines()
    frame = pd.DataFrame([line.split(",") for line in lines[1:]], columns=lines[0].split(","))
    frame.astype(dict.fromkeys(["open", "high", "low", "close", "volume"], float)).to_parquet(path)


PACKED: dict[str, Callable[[bytes, Path], object]] = {
    "AAPL.csv.gz": lambda data, path: path.write_bytes(gzip.compress(data)),
    "AAPL.csv.bz2": lambda data, path: path.write_bytes(bz2.compress(data)),
    "AAPL.csv.xz": lambda data, path: path.write_bytes(lzma.compress(data)),
    "AAPL.csv.zst": lambda data, path: path.write_bytes(zstandard.compress(data)),
    "AAPL.zip": zipped,
    "AAPL.parquet": as_parquet,
}


@pytest.mark.parametrize("name", PACKED)
def test_more_bytes_than_allowed_are_refused(tmp_path: Path, settings: Any, name: str) -> None:
    PACKED[name]((HEAD + ROW * 4000).encode(), tmp_path / name)
    settings.MARKETDATA_UNPACKED_BYTES = 100_000
    with pytest.raises(
        UnreadableFile, match=r"more than 100,000 bytes when unpacked: .* raise MARKETDATA_UNPACKED_BYTES"
    ):
        read(tmp_path / name, FileForm())


def test_long_texts_of_parquet_are_counted_as_they_are(tmp_path: Path, settings: Any) -> None:
    frame = pd.DataFrame({"timestamp": ["2025-07-02T13:30:00Z"] * 300, "note": ["x" * 10_000] * 300})
    frame.to_parquet(tmp_path / "AAPL.parquet")
    settings.MARKETDATA_UNPACKED_BYTES = 1_000_000
    with pytest.raises(UnreadableFile, match="more than 1,000,000 bytes"):
        read_parquet(tmp_path / "AAPL.parquet")


@pytest.mark.parametrize("name", PACKED)
def test_far_more_than_it_is_packed_in_is_refused(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    PACKED[name]((HEAD + ROW * 20_000).encode(), tmp_path / name)
    monkeypatch.setattr(containers, "RATIO_FROM_BYTES", 10_000)
    settings.MARKETDATA_UNPACKED_RATIO = 5
    with pytest.raises(UnreadableFile, match=r"more than 5 times its size .* raise MARKETDATA_UNPACKED_RATIO"):
        read(tmp_path / name, FileForm())
    settings.MARKETDATA_UNPACKED_RATIO = 1_000_000
    assert len(read(tmp_path / name, FileForm(as_is=True)).stamp) == 20_000
