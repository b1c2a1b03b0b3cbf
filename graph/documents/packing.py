"""Files packed by gzip or Zstandard, unpacked as they are read and never wholly trusted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

PACKINGS: Final = {".gz": "gzip", ".zst": "zstd"}
"""File ending to the name of the codec."""

LONGEST_LINE: Final = 64 * 2**20
"""Bytes of one line; a longer one is no record of text but a mistake or an attack."""

LARGEST_TEXT: Final = 256 * 2**20
"""Bytes that a packed file may come to whose format is read as a whole."""

_BUFFER: Final = 2**16
_MOST_UNPACKED: Final = 2**30
_MOST_TIMES: Final = 250
"""Text packs to a tenth, logs to a fiftieth; Zstandard can make a gigabyte of some kilobytes."""


class DamagedFileError(Exception):
    """A file cannot be read from some place on; what came before stays good."""


def open_unpacked(path: Path, packing: str) -> BinaryIO:
    """Open a file for reading its bytes as they were before it was packed.

    Memory is bounded whatever the file claims: the codecs refuse windows above 128 MiB.

    Args:
        path: The file.
        packing: A key of `PACKINGS`, or nothing.

    Raises:
        OSError: The file cannot be opened. Reading raises DamagedFileError where the file is cut off or
            broken, or comes to more than 1 GiB and 250 times its size.
    """
    raw = path.open("rb")
    if not packing:
        return raw
    return io.BufferedReader(_Unpacked(raw, PACKINGS[packing], path.stat().st_size), _BUFFER)


def read_whole(path: Path, packing: str, most: int) -> bytes:
    """All bytes of a file.

    Raises:
        DamagedFileError: They are more than `most`, or see `open_unpacked`.
    """
    with open_unpacked(path, packing) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise DamagedFileError(f"it has more than {most // 2**20} MB")
    return content


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers, from 1; None in place of one that is longer than `LONGEST_LINE`."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE)
        yield number, None


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a file. Several packed parts one after the other are one."""

    def __init__(self, raw: BinaryIO, codec: str, packed: int) -> None:
        import pyarrow as pa

        self._stream: Any = pa.CompressedInputStream(raw, codec)
        self._left = max(_MOST_UNPACKED, _MOST_TIMES * packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._stream.read(len(buffer))
        except OSError as error:
            raise DamagedFileError("it is cut off or damaged, or not packed as its name says") from error
        self._left -= len(content)
        if self._left < 0:
            raise DamagedFileError("it unpacks to a size that no text comes to")
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
