"""Which keys of calls the run has seen, in little memory, so that a new call need not ask the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_BITS: Final = 2**23
"""1 MiB. With 80,000 keys one new key in a hundred is asked for in vain."""


class KnownKeys:
    """A set of keys that may also hold a few that were never added, and misses none that was.

    It is a Bloom filter of one hash (B. H. Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors,
    1970). A look into the database takes 20 to 60 microseconds beside a writer, as each commit makes the
    reader fetch its pages anew.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._bits = bytearray(_BITS // 8)
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Remember a key."""
        place = hash(key) % _BITS
        self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: str) -> bool:
        place = hash(key) % _BITS
        return bool(self._bits[place >> 3] & 1 << (place & 7))
