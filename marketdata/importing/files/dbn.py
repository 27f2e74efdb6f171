"""Databento's DBN, by the vendor's own reader, as the CSV that Databento gives."""

from __future__ import annotations

import io
from pathlib import Path

from marketdata.importing.base.refusals import UnreadableFile

MAGIC = b"DBN"


def dbn_as_csv(data: bytes, path: Path) -> bytes:
    """Raises UnreadableFile for a damaged file, and where the reader is not installed."""
    try:
        from databento_dbn import Compression, DBNError, Encoding, Transcoder
    except ImportError:
        advice = "install it with: pip install 'tapedeck[databento]'"
        raise UnreadableFile(f"{path}: DBN needs the package databento-dbn: {advice}.") from None
    if not data.startswith(MAGIC):
        raise UnreadableFile(f"{path}: cannot be read: it does not begin as DBN does.")
    out = io.BytesIO()
    try:
        transcoder = Transcoder(out, Encoding.CSV, Compression.NONE, pretty_px=True, pretty_ts=False, map_symbols=True)  # type: ignore[arg-type]
        transcoder.write(data)
        transcoder.flush()
        cut = len(transcoder.buffer())
    except (DBNError, ValueError) as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None
    if cut:
        raise UnreadableFile(f"{path}: cannot be read: it is cut off in the midst of a record: fetch it again.")
    return out.getvalue()
