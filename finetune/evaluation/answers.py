"""What a model answers, and where an answer ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

_OPENING = "([{"
_CLOSING = ")]}"
_MOST_BEFORE_A_LIST = 16
"""Characters. An answer is a list; one that has begun none by then will not be read."""


class Answer(NamedTuple):
    """What a model went on with after `result =`.

    Attributes:
        text: As it was written.
        truncated: Whether it was cut at the most tokens.
        tokens: How many there are.
    """

    text: str
    truncated: bool
    tokens: int


class Predictor(Protocol):
    """A model that is asked."""

    def answers(self, prompts: Sequence[str], max_tokens: int) -> Iterator[tuple[int, Answer]]:
        """Ask prompts that have much of their beginning in common.

        Args:
            prompts: Each ends in `result =`.
            max_tokens: Most tokens of an answer.

        Returns:
            Places of the prompts with their answers, in any order, as they come.
        """


class Ending:
    """Tells where an answer ends: with the bracket that closes the list it began with.

    What a model writes behind its list is no part of the answer, and an answer that begins with no list is
    not one. Brackets within strings do not count.
    """

    def __init__(self) -> None:
        """Begin an answer."""
        self._depth = 0
        self._quote = ""
        self._escaped = False
        self._before = 0

    def reached(self, text: str) -> bool:
        """Whether the answer ends within its next characters.

        Args:
            text: What comes next.
        """
        return any(self._ends_at(character) for character in text)

    def _ends_at(self, character: str) -> bool:
        if self._quote:
            if self._escaped:
                self._escaped = False
            elif character == "\\":
                self._escaped = True
            elif character == self._quote:
                self._quote = ""
        elif self._depth and character in "\"'":
            self._quote = character
        elif character == "[" or (self._depth and character in _OPENING):
            self._depth += 1
        elif self._depth and character in _CLOSING:
            self._depth -= 1
            return self._depth <= 0
        elif not self._depth and not character.isspace():
            self._before += 1
            return self._before >= _MOST_BEFORE_A_LIST
        return False
