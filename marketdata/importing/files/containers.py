"""A file's bytes out of gzip, zip, Zstandard, bzip2 or xz, with a bound: a small file must not fill the memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import zstandard
from django.conf import settings

from marketdata.importing.base.refusals import UnreadableFile

PACKINGS = (".gz", ".zst", ".bz2", ".xz")
CHUNK_BYTES = 4 * 1024 * 1024
ZSTD_BYTES = 2 * 1024
"""Packed bytes at a time: a small piece unpacks to a bounded one before its size is looked at."""
RATIO_FROM_BYTES = 64 * 1024 * 1024
"""Below this size a file may be as repetitive as it likes."""
ENCRYPTED = 0x1


def unpacked(path: Path) -> tuple[bytes, str]:
    """A file's bytes, and the name that says their form, in small letters.

    Raises UnreadableFile for a zip of several files, an encrypted one, and more bytes than the settings allow.
    """
    name = path.name.lower()
    if name.endswith(".zip"):
        return _from_zip(path)
    with _opened(path) as stream:
        if not name.endswith(PACKINGS):
            return stream.read(), name
        data = bounded(stream, path, path.stat().st_size)
    return data, name.rsplit(".", 1)[0]


def bounded(stream: IO[bytes], path: Path, packed: int) -> bytes:
    """All bytes of a stream of unpacked ones. Raises UnreadableFile where there are too many."""
    found = bytearray()
    while chunk := stream.read(CHUNK_BYTES):
        found += chunk
        refuse_too_much(path, len(found), packed)
    return bytes(found)


def refuse_too_much(path: Path, size: int, packed: int, advice: str = "unpack it") -> None:
    """Raises UnreadableFile where so many bytes, of so many packed ones, are more than the settings allow."""
    most, most_times = settings.MARKETDATA_UNPACKED_BYTES, settings.MARKETDATA_UNPACKED_RATIO
    if size > most:
        raise UnreadableFile(
            f"{path}: holds more than {most:,} bytes when unpacked: {advice}, or raise MARKETDATA_UNPACKED_BYTES."
        )
    if size > RATIO_FROM_BYTES and size > packed * most_times:
        raise UnreadableFile(
            f"{path}: holds more than {most_times} times its size when unpacked, which market data does not: "
            f"{advice}, or raise MARKETDATA_UNPACKED_RATIO."
        )


class Frames(RawIOBase):
    """Zstandard's frames, one after the other. The library's own reader ends in silence where a file is cut off."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._fed = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._ready and self._feed():
            pass
        count = min(len(into), len(self._ready))
        into[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _feed(self) -> bool:
        """Unpack some more; False at the end. Raises EOFError in the midst of a frame."""
        packed = self._frame.unused_data if self._frame.eof else b""
        packed = packed or self._packed.read(ZSTD_BYTES)
        if not packed:
            if self._fed and not self._frame.eof:
                raise EOFError("it is cut off: its last Zstandard frame has no end")
            return False
        if self._frame.eof:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._fed = True
        self._ready = self._frame.decompress(packed)
        return True

    def close(self) -> None:
        self._packed.close()
        super().close()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    name = path.name.lower()
    if name.endswith(".gz"):
        stream = cast(IO[bytes], gzip.open(path, "rb"))  # noqa: SIM115 - closed by the caller
    elif name.endswith(".bz2"):
        stream = cast(IO[bytes], bz2.open(path, "rb"))  # noqa: SIM115 - closed by the caller
    elif name.endswith(".xz"):
        stream = cast(IO[bytes], lzma.open(path, "rb"))  # noqa: SIM115 - closed by the caller
    elif name.endswith(".zst"):
        stream = cast(IO[bytes], BufferedReader(Frames(path.open("rb"))))
    else:
        stream = path.open("rb")
    with stream:
        yield stream


def _from_zip(path: Path) -> tuple[bytes, str]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not _is_litter(member)]
        if len(members) != 1:
            raise UnreadableFile(f"{path}: holds {len(members)} files: unpack it and import the folder.")
        (member,) = members
        if member.flag_bits & ENCRYPTED:
            raise UnreadableFile(f"{path}: is encrypted: unpack it with its password and import what it holds.")
        with archive.open(member) as stream:
            return bounded(stream, path, member.compress_size), member.filename.lower()


def _is_litter(member: zipfile.ZipInfo) -> bool:
    """Folders, and what macOS puts beside the files."""
    name = PurePosixPath(member.filename)
    return member.is_dir() or name.parts[0] == "__MACOSX" or name.name.startswith("._") or name.name == ".DS_Store"
