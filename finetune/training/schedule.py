"""All passes of a training in their order, fixed before it begins, so that it can be resumed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple, Protocol

from finetune.examples import Example
from finetune.training.encoding import Encoder, Pass, grouped
from schemas.recipe import TrainingConfig


class Epochs(Protocol):
    """Where the examples of each epoch come from; `finetune.examples.ExampleSet` is one."""

    def epoch(self, number: int) -> tuple[Example, ...]:
        """The examples of an epoch, from 0."""


class Schedule(NamedTuple):
    """What a training goes through.

    Attributes:
        passes: In their order, as many as are trained on.
        epochs: Over how many epochs they reach.
        tokens: Prompt, result and end, of all passes.
        result_tokens: Tokens that are learnt from.
        examples: Of all epochs.
    """

    passes: list[Pass]
    epochs: float
    tokens: int
    result_tokens: int
    examples: int

    def until(self, passes: int) -> Schedule:
        """What was gone through after so many passes."""
        taken = self.passes[:passes]
        return _of(taken, self.epochs * len(taken) / max(len(self.passes), 1))


def schedule(examples: Epochs, encoder: Encoder, config: TrainingConfig) -> Schedule:
    """Lay out the passes, up to the number of epochs or the budget of tokens.

    A budget ends the training with the pass that reaches it. Passes of an epoch are in random order.

    Args:
        examples: Where they come from.
        encoder: Makes tokens of them.
        config: Epochs or budget, tokens of a pass, and the seed.
    """
    passes: list[Pass] = []
    epochs = tokens = 0.0
    for number in _numbers(config):
        made = grouped(
            map(encoder.encode, examples.epoch(number)), config.batch_tokens, padded=not config.packing
        )
        Random(f"{config.seed} {number} passes").shuffle(made)
        share = min(1.0, config.epochs - number) if config.token_budget is None else 1.0
        taken = made[: max(math.ceil(share * len(made)), 1)]
        if config.token_budget is not None:
            taken = list(_up_to(taken, config.token_budget - tokens))
        passes += taken
        tokens += sum(len(each.tokens) for each in taken)
        epochs += len(taken) / len(made)
        if config.token_budget is not None and tokens >= config.token_budget:
            break
    return _of(passes, epochs)


def _of(passes: list[Pass], epochs: float) -> Schedule:
    return Schedule(
        passes,
        epochs,
        tokens=sum(len(each.tokens) for each in passes),
        result_tokens=sum(label >= 0 for each in passes for label in each.labels),
        examples=sum(len(each.lengths) for each in passes),
    )


def _numbers(config: TrainingConfig) -> Iterator[int]:
    number = 0
    while config.token_budget is not None or number < config.epochs:
        yield number
        number += 1


def _up_to(passes: Sequence[Pass], budget: float) -> Iterator[Pass]:
    for each in passes:
        if budget <= 0:
            return
        yield each
        budget -= len(each.tokens)
