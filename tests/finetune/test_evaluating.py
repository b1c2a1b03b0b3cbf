"""Asking about a benchmark: in the form that was trained, nothing twice, and whatever was cut off again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from finetune.evaluation.answers import Answer
from finetune.evaluation.benchmarks import Benchmark, Domain, GoldSentence
from finetune.evaluation.evaluating import Asked, ask, predictions_file, prompts_of
from finetune.evaluation.scoring import Measure, Scored
from finetune.examples import build_examples
from schemas.dialect import Flavour
from schemas.recipe import ExamplesConfig
from schemas.schema import AnnotationSchema, ClassSpec, Guideline
from tests.finetune.annotated_sources import source

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person", guideline=Guideline(definition="Any person.")),))
TEXTS = ("Ann slept.", "Bob ate.", "Cid left.", "Dee sang.")
SENTENCES = tuple(GoldSentence(f"s{n}", text, ((0, 3, "Person"),)) for n, text in enumerate(TEXTS))
BENCHMARK = Benchmark("b", (Domain("one", SCHEMA, SENTENCES[:3]), Domain("two", SCHEMA, SENTENCES[3:])), {})


class Names:
    """A model that finds the first word of the text, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answers(self, prompts: Sequence[str], max_tokens: int) -> Iterator[tuple[int, Answer]]:
        for place in reversed(range(len(prompts))):
            self.asked.append(prompts[place])
            name = prompts[place].partition('text = "')[2][:3]
            yield place, Answer(f' [Person(span="{name}")]', False, 5)


def asked(
    model: Names, folder: Path, identity: str = "names", **more: object
) -> dict[str, list[Scored]] | None:
    settings = {"flavour": Flavour.GOLLIE, "max_tokens": 64} | more
    return ask("names", lambda: model, identity, BENCHMARK, folder, **settings)  # type: ignore[arg-type]


def test_answers_come_back_in_the_order_of_the_sentences(tmp_path: Path) -> None:
    seen: list[Asked] = []
    scored = asked(Names(), tmp_path, on_progress=seen.append)
    assert scored is not None and {name: len(each) for name, each in scored.items()} == {"one": 3, "two": 1}
    assert all(one.counts[Measure.STRICT]["Person"].correct == 1 for each in scored.values() for one in each)
    assert [each.done for each in seen] == [0, 1, 2, 3, 4] and seen[-1].tokens == 20


def test_nothing_is_asked_twice_unless_model_or_settings_differ(tmp_path: Path) -> None:
    first = asked(Names(), tmp_path)
    again = Names()
    assert asked(again, tmp_path) == first and again.asked == []
    asked(again, tmp_path, max_tokens=65)
    assert len(again.asked) == 4
    other = Names()
    asked(other, tmp_path, identity="other weights")
    assert len(other.asked) == 4


def test_stopped_or_killed_it_goes_on_where_it_was(tmp_path: Path) -> None:
    model = Names()
    assert asked(model, tmp_path, stop=lambda: len(model.asked) >= 2) is None
    path = predictions_file(tmp_path, "names")
    path.write_bytes(path.read_bytes()[:-20])  # killed while the last answer was written
    again = Names()
    assert asked(again, tmp_path) is not None
    assert len(again.asked) == 3, "the whole answer is kept, the half one is asked for again"
    last = Names()
    assert asked(last, tmp_path) == asked(Names(), tmp_path / "anew")
    assert last.asked == []


@pytest.mark.parametrize("flavour", list(Flavour))
def test_a_model_is_asked_byte_for_byte_as_it_was_trained(flavour: Flavour) -> None:
    one = source("d", TEXTS[0], {"Person": ["Ann"]}, definition="Any person.")
    config = ExamplesConfig(flavour=flavour, shuffle=False)
    (example,) = build_examples([one], config, seed=0, count_tokens=len).epoch(0)
    assert example.prompt == prompts_of(BENCHMARK.domains[0], flavour)[0]
