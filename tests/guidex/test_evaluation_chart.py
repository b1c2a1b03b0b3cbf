"""The chart of an evaluation: every model with its interval, on average and by domain."""

from __future__ import annotations

from xml.etree import ElementTree

from finetune.evaluation.benchmarks import Benchmark, Domain, GoldSentence
from finetune.evaluation.results import Evaluation, ScoredModel, evaluate_scores
from finetune.evaluation.scoring import score_answer
from guidex.evaluation_chart import evaluation_chart
from schemas.schema import AnnotationSchema, ClassSpec

SVG = "{http://www.w3.org/2000/svg}"
SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"),))
SENTENCE = GoldSentence("s", "Ann slept.", ((0, 3, "Person"),))


def evaluated(domains: tuple[str, ...], samples: int = 100) -> Evaluation:
    found, nothing = ' [Person(span="Ann")]', " []"

    def model(name: str, answers: tuple[str, str]) -> ScoredModel:
        scored = [score_answer(each, False, SENTENCE, SCHEMA) for each in answers]
        return ScoredModel(name, dict.fromkeys(domains, scored))

    benchmark = Benchmark("b", tuple(Domain(each, SCHEMA, (SENTENCE, SENTENCE)) for each in domains), {})
    models = [model("base", (nothing, nothing)), model("trained", (found, nothing))]
    return evaluate_scores(benchmark, models, about={"misc": "kept"}, samples=samples)


def told(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg.encode())
    bars = (each for each in root.iter(f"{SVG}rect") if each.get("class") == "plot-bar")
    return [each.findtext(f"{SVG}title") or "" for each in bars]


def test_each_model_has_a_bar_on_average_and_in_each_domain() -> None:
    bars = told(evaluation_chart(evaluated(("one", "two"))))
    assert [each.partition(":")[0] for each in bars] == ["base", "trained"] * 3
    assert bars[0] == "base: 0% (0% to 0%)"
    assert bars[1].startswith("trained: 66.7% (") and bars[1].endswith(")")


def test_one_domain_is_its_own_average_and_without_resamples_there_are_no_intervals() -> None:
    assert told(evaluation_chart(evaluated(("one",), samples=0))) == ["base: 0%", "trained: 66.7%"]


def test_what_figures_depend_on_is_told_to_those_who_do_not_see_them() -> None:
    root = ElementTree.fromstring(evaluation_chart(evaluated(("one",)), standalone=True).encode())
    assert "misc kept" in (root.findtext(f"{SVG}desc") or "")
    assert root.find(f"{SVG}style") is not None
