"""Examples as tokens, with the mask that says what is learnt: the result and the end, never the prompt.

There is no chat template. The form is code that ends in `result =`, and the model goes on; what is trained is
byte for byte what is asked at inference, whatever the base's template does with spaces and roles. Prompt and
result are tokenised apart, as they are when a model is asked: no token spans the border.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from finetune.examples import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that the loss leaves out."""


class Encoded(NamedTuple):
    """An example as tokens.

    Attributes:
        tokens: Ids of prompt, result and the end-of-sequence token.
        labels: The same for result and end, `IGNORED` for the prompt.
    """

    tokens: list[int]
    labels: list[int]


class Piece(NamedTuple):
    """A token as it is shown.

    Attributes:
        text: What it stands for; of a character that takes several tokens, each has a part.
        learnt: Whether the loss counts it.
    """

    text: str
    learnt: bool


class Encoder:
    """Turns text to tokens as it is done in training and at inference."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take the tokenizer of the base."""
        self._tokenizer = tokenizer
        self._end = tokenizer.eos_token_id
        made = tokenizer("a", add_special_tokens=True)["input_ids"]
        # Some put something behind a text as well: where a model is to go on, that would be wrong.
        self._begins = bool(made) and made[-1] != self._end

    def prompt(self, prompt: str) -> list[int]:
        """Tokens of a prompt, with what the tokenizer puts before a text (if it does)."""
        return self._tokens(prompt, add_special_tokens=self._begins)

    def result(self, result: str) -> list[int]:
        """Tokens of a result, with the end."""
        return [*self._tokens(result), self._end]

    def encode(self, example: Example) -> Encoded:
        """An example with its mask."""
        prompt, result = self.prompt(example.prompt), self.result(example.result.rstrip("\n"))
        return Encoded(prompt + result, [IGNORED] * len(prompt) + result)

    def pieces(self, example: Example) -> list[Piece]:
        """The tokens of an example as text, each with whether it is learnt."""
        tokens, labels = self.encode(example)
        return [
            Piece(str(self._tokenizer.decode([token])), label != IGNORED)
            for token, label in zip(tokens, labels, strict=True)
        ]

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._tokens(text))

    def _tokens(self, text: str, *, add_special_tokens: bool = False) -> list[int]:
        """Tokens of a text; what looks like a special token in it, as in `<|im_end|>`, is none."""
        made = self._tokenizer(text, add_special_tokens=add_special_tokens, split_special_tokens=True)
        return list(made["input_ids"])


class Pass(NamedTuple):
    """Examples that go through the model together.

    Attributes:
        tokens: Ids of all examples, one after the other.
        labels: As in `Encoded`.
        lengths: Tokens of each example.
    """

    tokens: list[int]
    labels: list[int]
    lengths: list[int]


def grouped(encoded: Iterable[Encoded], most: int, *, padded: bool) -> list[Pass]:
    """Group whole examples into passes of at most so many tokens.

    The longest first, each to the fullest pass that has room for it (best-fit decreasing), in the order in
    which the passes were begun. An example that is longer than a pass has one of its own.

    Args:
        encoded: The examples.
        most: Tokens of a pass.
        padded: Count the padding too, as all examples of a pass are as long as its longest then.
    """
    longest_first = sorted(encoded, key=lambda one: len(one.tokens), reverse=True)
    return [_together(group) for group in (_padded if padded else _packed)(longest_first, most)]


def _packed(examples: Sequence[Encoded], most: int) -> list[list[Encoded]]:
    groups: list[list[Encoded]] = []
    rooms: list[tuple[int, int]] = []  # room and place of groups that have any, sorted
    for each in examples:
        length = len(each.tokens)
        found = bisect_left(rooms, (length, 0))
        room, place = rooms.pop(found) if found < len(rooms) else (most, len(groups))
        if place == len(groups):
            groups.append([])
        groups[place].append(each)
        if room > length:
            insort(rooms, (room - length, place))
    return groups


def _padded(examples: Sequence[Encoded], most: int) -> list[list[Encoded]]:
    """The first example of a group is its longest, and all take as much room as it does."""
    groups: list[list[Encoded]] = []
    for each in examples:
        if not groups or (len(groups[-1]) + 1) * len(groups[-1][0].tokens) > most:
            groups.append([])
        groups[-1].append(each)
    return groups


def _together(group: Sequence[Encoded]) -> Pass:
    return Pass(
        tokens=[token for each in group for token in each.tokens],
        labels=[label for each in group for label in each.labels],
        lengths=[len(each.tokens) for each in group],
    )
