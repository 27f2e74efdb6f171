"""Bytes as UTF-8 text with line feeds, whatever program and system wrote them."""

from __future__ import annotations

import codecs
from pathlib import Path

from marketdata.importing.base.refusals import UnreadableFile

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
PROBE_BYTES = 512


def as_utf8(data: bytes, path: Path) -> tuple[bytes, str]:
    """The text, and what is worth saying about its form. Raises UnreadableFile for what is no text."""
    coding = _coding(data)
    if coding:
        data = data.decode(coding).encode()
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise UnreadableFile(f"{path}: cannot be read: line {line} holds a NUL byte: it is damaged, or no text.")
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return _without_lone_returns(
            data
        ), "some of its lines end with CR" if b"\n" in data else "its lines end with CR"
    return data, f"its text is {coding.upper()}" if coding and not coding.startswith("utf-8") else ""


def _without_lone_returns(data: bytes) -> bytes:
    """CR ends a line as LF does; within quotation marks it is a blank."""
    parts = data.replace(b"\r\n", b"\n").split(b'"')
    parts[::2] = [part.replace(b"\r", b"\n") for part in parts[::2]]
    parts[1::2] = [part.replace(b"\r", b" ") for part in parts[1::2]]
    return b'"'.join(parts)


def _coding(data: bytes) -> str:
    """Empty where the bytes are UTF-8 already."""
    for mark, coding in MARKS:
        if data.startswith(mark):
            return coding
    probe = data[:PROBE_BYTES]
    if len(probe) > 3 and not any(probe[1::2]):
        return "utf-16-le"
    if len(probe) > 3 and not any(probe[::2]):
        return "utf-16-be"
    if data.isascii():
        return ""
    try:
        data.decode()
    except UnicodeDecodeError:
        return "cp1252" if _decodes(data, "cp1252") else "latin-1"
    return ""


def _decodes(data: bytes, coding: str) -> bool:
    try:
        data.decode(coding)
    except UnicodeDecodeError:
        return False
    return True
