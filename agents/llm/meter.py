"""What requests to one model take: at most, before they are sent, and really, once they have ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from agents.llm.budget import Budget, Spent
from agents.llm.client import Usage
from agents.llm.prices import Price

_LEARNED_FROM = 10
"""Answers after which the tokens of a byte are taken from those seen."""

_MARGIN = 1.5
"""How many times more of them a prompt may have than any before it."""

_BESIDE = 64
"""Tokens that a server may put around the messages of a request."""

_OF_PUNCTUATION = 4
"""Bytes of the JSON around each value: quotes, a colon, a comma."""

_NOT_READ = frozenset({"extra_body", "model"})
"""Arguments of a request that the model does not read as text."""


class Reservation(NamedTuple):
    """What a request may take at most, and the size of its prompt in bytes."""

    most: Spent
    size: int


class Meter:
    """Reserves what a request may take, settles what it took, and prices it.

    The bound on a prompt's tokens is its bytes, as a token has one at least, until some answers have shown
    how many of the model's tokens a byte makes; from then on it is the most seen, and half of it more. That
    is a third of the bytes for prose in Latin letters. The bound on an answer is the request's own.
    """

    def __init__(
        self, price: Price | None = None, budget: Budget | None = None, *, context: int | None = None
    ) -> None:
        """Begin to count.

        Args:
            price: Of the model; None if it is not known.
            budget: Of the run; None where nothing is limited.
            context: Most tokens of prompt and answer together, where the model's server has been given that.
        """
        self._price = price
        self._budget = budget
        self._context = context
        self._answers = 0
        self._highest = 0.0
        """Tokens of a byte, of all prompts seen."""

    async def reserve(self, arguments: Mapping[str, Any]) -> Reservation | None:
        """Return when a request may be sent; None where nothing is to be settled.

        Args:
            arguments: Of the SDK's create.

        Raises:
            CallStoppedError: A limit of the run is reached.
        """
        if self._budget is None:
            return None
        reservation = self._at_most(arguments) if self._budget.limits_amounts else _NOTHING
        await self._budget.reserve(reservation.most)
        return reservation

    def settle(self, reservation: Reservation | None, usage: Usage | None) -> None:
        """Note what a request took.

        Args:
            reservation: What was reserved for it.
            usage: Its tokens, none where the server has refused it; None if that is not known, as when the
                connection is lost. Then all that was reserved counts as spent.
        """
        if reservation is None or self._budget is None:
            return
        took = None
        if usage is not None:
            took = Spent(usage.input_tokens + usage.output_tokens, self.cost(usage) or 0.0)
            if usage.input_tokens and reservation.size:
                self._answers += 1
                self._highest = max(self._highest, usage.input_tokens / reservation.size)
        self._budget.settle(reservation.most, took)

    def cost(self, usage: Usage | None) -> float | None:
        """USD of a request; None if what it took is not known, or what that costs."""
        if usage is None:
            return 0.0 if self._price is not None and self._price.is_free else None
        if not usage.input_tokens and not usage.output_tokens:
            return 0.0
        return None if self._price is None else self._price.cost(usage)

    def _at_most(self, arguments: Mapping[str, Any]) -> Reservation:
        size = sum(_size(value) for name, value in arguments.items() if name not in _NOT_READ)
        of_a_byte = min(1.0, self._highest * _MARGIN) if self._answers >= _LEARNED_FROM else 1.0
        prompt = math.ceil(size * of_a_byte) + _BESIDE
        answer = arguments.get("max_tokens") or arguments.get("max_completion_tokens") or 0
        tokens = prompt + answer
        if self._context is not None:
            tokens = min(tokens, self._context)
        return Reservation(Spent(tokens, self._price.bound(prompt, answer) if self._price else 0.0), size)


_NOTHING = Reservation(Spent(), 0)


def _size(value: Any) -> int:
    """Bytes of all text within a value, keys included."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return sum(len(key) + _OF_PUNCTUATION + _size(within) for key, within in value.items())
    if isinstance(value, list | tuple):
        return sum(_OF_PUNCTUATION + _size(within) for within in value)
    return _OF_PUNCTUATION
