"""Packing files, for the tests of readers."""

import gzip
from pathlib import Path

import zstandard

ENDINGS = ("", ".gz", ".zst")


def packed(path: Path, content: bytes, ending: str, parts: int = 1) -> Path:
    """Write a file, packed as its further ending says, in parts that follow one another."""
    size = max(1, -(-len(content) // parts))
    pieces = [content[start : start + size] for start in range(0, len(content), size)] or [b""]
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}[ending]
    target = path.with_name(path.name + ending)
    target.write_bytes(b"".join(map(pack, pieces)))
    return target
