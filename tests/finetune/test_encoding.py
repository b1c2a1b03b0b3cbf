"""What is learnt of an example, and how examples go through the model together."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.examples import Example
from finetune.training.encoding import IGNORED, Encoded, Encoder, grouped
from finetune.training.schedule import schedule
from schemas.recipe import TrainingConfig
from tests.finetune.tiny_models import tiny_model

PROMPT = '@dataclass\nclass Person(Entity):\n    span: str\n\ntext = "Ann"\nresult ='


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    from finetune.training.bases import load_tokenizer

    return Encoder(load_tokenizer(str(tiny_model(tmp_path_factory.mktemp("tiny")))))


@pytest.mark.parametrize("result", [' [Person(span="Ann")]\n', " []\n", ' [Person(span="é😀\\n")]\n'])
def test_exactly_the_result_and_the_end_are_learnt(encoder: Encoder, result: str) -> None:
    pieces = encoder.pieces(Example("d#0", "d", PROMPT, result))
    assert "".join(piece.text for piece in pieces if not piece.learnt) == PROMPT
    learnt = [piece for piece in pieces if piece.learnt]
    assert learnt[-1].text == "<end>"
    assert pieces.index(learnt[0]) == len(pieces) - len(learnt), "the prompt comes first, and whole"
    tokens, labels = encoder.encode(Example("d#0", "d", PROMPT, result))
    assert tokens[: -len(learnt)] == encoder.prompt(PROMPT), "what is asked at inference"
    assert labels == [IGNORED] * (len(tokens) - len(learnt)) + tokens[-len(learnt) :]


def test_the_name_of_the_end_in_a_text_does_not_end_it(encoder: Encoder) -> None:
    prompt, result = PROMPT.replace("Ann", "<end>"), ' [Person(span="<end>")]\n'
    pieces = encoder.pieces(Example("d#0", "d", prompt, result))
    assert [piece.text for piece in pieces].count("<end>") == 1
    assert "".join(piece.text for piece in pieces) == prompt + result.rstrip() + "<end>"


lengths = st.lists(st.integers(1, 60), min_size=1, max_size=40)


@given(lengths, st.integers(20, 100), st.booleans())
def test_examples_stay_whole_and_passes_keep_to_their_size(sizes: list[int], most: int, padded: bool) -> None:
    given_ = [Encoded([number] * size, [number] * size) for number, size in enumerate(sizes)]
    passes = grouped(given_, most, padded=padded)
    pieces = []
    for each in passes:
        assert sum(each.lengths) == len(each.tokens) == len(each.labels)
        room = len(each.lengths) * max(each.lengths) if padded else sum(each.lengths)
        assert room <= most or len(each.lengths) == 1
        tokens = iter(each.tokens)
        pieces += [[next(tokens) for _ in range(length)] for length in each.lengths]
    assert sorted(pieces) == sorted(each.tokens for each in given_)


class Same:
    """The same examples in each epoch."""

    def __init__(self, count: int) -> None:
        self.count = count

    def epoch(self, number: int) -> tuple[Example, ...]:
        return tuple(Example(f"{n}", f"{n}", PROMPT, f" [{n}]\n") for n in range(self.count))


@given(st.integers(1, 6), st.integers(1, 4000), st.integers(0, 3))
def test_a_budget_is_reached_by_the_last_pass_and_by_no_other(
    encoder: Encoder, count: int, budget: int, seed: int
) -> None:
    config = TrainingConfig(token_budget=budget, batch_tokens=200, seed=seed)
    plan = schedule(Same(count), encoder, config)
    assert plan.tokens >= budget > plan.tokens - len(plan.passes[-1].tokens)
    assert plan.passes == schedule(Same(count), encoder, config).passes


@given(st.integers(1, 6), st.floats(0.1, 4))
def test_epochs_may_be_parts_of_one(encoder: Encoder, count: int, epochs: float) -> None:
    config = TrainingConfig(epochs=epochs, batch_tokens=64)
    plan = schedule(Same(count), encoder, config)
    one = schedule(Same(count), encoder, config.model_copy(update={"epochs": 1}))
    assert len(plan.passes) / len(one.passes) - epochs < 1
    assert plan.epochs == pytest.approx(len(plan.passes) / len(one.passes))
    learnt = sum(label != IGNORED for label in chain.from_iterable(each.labels for each in plan.passes))
    assert plan.result_tokens == learnt


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    from finetune.training.bases import load_tokenizer, place_of
    from schemas.errors import ModelUnavailableError

    with pytest.raises(ModelUnavailableError, match="There is no model"):
        place_of(str(tmp_path / "nothing"))
    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        load_tokenizer(str(tmp_path))
