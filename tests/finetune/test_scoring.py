"""What answers are worth: the measures on cases that can be worked out by hand, and figures over many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.benchmarks import Benchmark, Domain, GoldSentence
from finetune.evaluation.results import AVERAGE, Evaluation, ScoredModel, evaluate_scores
from finetune.evaluation.scoring import Measure, Scored, score_answer
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
TEXT = "Ann saw Ann in Oslo."
ANN = GoldSentence("s", "Ann saw Ann.", ((0, 3, "Person"), (8, 11, "Person")))
ALL = GoldSentence("s", TEXT, ((0, 3, "Person"), (8, 11, "Person"), (15, 19, "Place")))


def totals(scored: Scored, measure: Measure) -> tuple[int, int, int]:
    """Correct, wrong, missed."""
    counts = scored.counts[measure].values()
    return (
        sum(each.correct for each in counts),
        sum(each.wrong for each in counts),
        sum(each.missed for each in counts),
    )


def score(answer: str, sentence: GoldSentence = ALL, *, truncated: bool = False) -> Scored:
    return score_answer(answer, truncated, sentence, SCHEMA)


def test_gollies_scorer_matches_surfaces_one_to_one_without_case_and_space() -> None:
    scored = score(' [Person(span="ann ")]', ANN)
    assert totals(scored, Measure.GOLLIE) == totals(scored, Measure.GOLLIE_FILTERED) == (1, 0, 1)


@pytest.mark.parametrize(
    ("answer", "gollie", "filtered", "strict", "hallucinated"),
    [
        (' [Person(span="Ann"), Person(span="Ann"), Place(span="Oslo")]', (3, 0, 0), (3, 0, 0), (3, 0, 0), 0),
        (' [Place(span="oslo"), Person(span="Bob")]', (1, 1, 2), (1, 0, 2), (1, 1, 2), 1),
        # A surface that stands twice is two mentions if it is named twice, and no third one.
        (' [Person(span="Ann"), Person(span="Ann"), Person(span="Ann")]', (2, 1, 1), (2, 0, 1), (2, 0, 1), 0),
        (' [Place(span="Ann")]', (0, 1, 3), (0, 1, 3), (0, 1, 3), 0),
        (" []", (0, 0, 3), (0, 0, 3), (0, 0, 3), 0),
    ],
)
def test_each_measure_counts_what_it_says(
    answer: str,
    gollie: tuple[int, int, int],
    filtered: tuple[int, int, int],
    strict: tuple[int, int, int],
    hallucinated: int,
) -> None:
    scored = score(answer)
    assert scored.parsed and scored.hallucinated == hallucinated
    assert totals(scored, Measure.GOLLIE) == gollie
    assert totals(scored, Measure.GOLLIE_FILTERED) == totals(scored, Measure.SALVAGED) == filtered
    assert totals(scored, Measure.STRICT) == strict


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I see Ann.",
        ' [Person(span="Ann")',
        " [Person()]",
        " [Person(span=3)]",
        ' [Person(name="Ann")]',
        ' [open("x")]',
        ' [_Animal(span="Ann")]',
        ' [Person(span=Person("Ann"))]',
        ' [Person(span=open("x").read())]',
        ' [Person(span="Ann")] and Oslo',
        ' [Pet(span="Ann")]\n\n\n@dataclass\nclass Pet:\n    span: str\n',
        ' [Person(span="Ann")]\ntext = "Ann"\n',
        ' __import__("os")',
        " [1, 2]",
        " " + "[" * 500,
    ],
)
def test_what_cannot_be_read_counts_as_no_prediction(answer: str) -> None:
    scored = score(answer)
    assert not scored.parsed
    assert totals(scored, Measure.GOLLIE) == totals(scored, Measure.STRICT) == (0, 0, 3)


def test_complete_instances_of_an_answer_that_was_cut_off_count_for_salvaged_alone() -> None:
    answer = ' [\n    Person(span="Ann"),\n    Place(span="Oslo"),\n    Person(span="An'
    scored = score(answer, truncated=True)
    assert scored.truncated and not scored.parsed and scored.predicted == 2
    assert totals(scored, Measure.GOLLIE_FILTERED) == (0, 0, 3)
    assert totals(scored, Measure.SALVAGED) == (2, 0, 1)


def test_what_stands_behind_a_list_keeps_all_but_salvaged_from_counting_it() -> None:
    scored = score(' [Person(span="Ann"), Place(span="Oslo")] # and so on\nprint("Ann")')
    assert not scored.parsed
    assert totals(scored, Measure.GOLLIE_FILTERED) == (0, 0, 3)
    assert totals(scored, Measure.SALVAGED) == (2, 0, 1)


def test_the_surface_is_that_of_the_anchor_wherever_it_is_written() -> None:
    dose = FieldSpec(name="dose", type=FieldType(optional=True), verbatim=False)
    names = FieldSpec(name="names", type=FieldType(many=True))
    schema = AnnotationSchema(classes=(ClassSpec(name="Drug", fields=(dose, names)),))
    sentence = GoldSentence("s", "10 mg of Aspirin", ((9, 16, "Drug"),))
    scored = score_answer(' [Drug(dose="10 mg", names=["aspirin"])]', False, sentence, schema)
    assert all(totals(scored, measure) == (1, 0, 0) for measure in Measure)
    within = score_answer(' [Drug(dose=Dose("10 mg"), names=["aspirin"])]', False, sentence, schema)
    assert (within.parsed, within.predicted, within.hallucinated) == (True, 1, 1)


@pytest.mark.parametrize("answer", ["", " []", ' [Person(span="Bob")]'])
def test_a_sentence_without_gold_has_nothing_to_miss(answer: str) -> None:
    scored = score(answer, GoldSentence("s", "It rained.", ()))
    assert totals(scored, Measure.GOLLIE_FILTERED) == (0, 0, 0)
    assert totals(scored, Measure.GOLLIE) == (0, int("Bob" in answer), 0)


@given(st.text("[](),=\"' \\\nPersonA1@:", max_size=60))
def test_any_answer_at_all_is_scored(answer: str) -> None:
    scored = score(answer)
    for measure in Measure:
        correct, _, missed = totals(scored, measure)
        assert correct + missed == len(ALL.mentions)
    assert scored.hallucinated + scored.repeated <= scored.predicted


words = st.sampled_from(["Ann", "Oslo", "Bob", "a )", 'say "x"', "é"])
answers = st.lists(st.tuples(st.sampled_from(["Person", "Place"]), words), max_size=6)


@given(answers, st.randoms())
def test_the_order_of_an_answer_makes_no_difference(items: list[tuple[str, str]], rng: object) -> None:
    def written(pairs: list[tuple[str, str]]) -> str:
        return f" [{', '.join(f'{name}(span={word!r})' for name, word in pairs)}]"

    mixed = list(items)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    scored, other = score(written(items)), score(written(mixed))
    for measure in (Measure.GOLLIE, Measure.STRICT):
        assert scored.counts[measure] == other.counts[measure]
    assert (scored.hallucinated, scored.repeated) == (other.hallucinated, other.repeated)
    for measure in (Measure.GOLLIE, Measure.GOLLIE_FILTERED):
        correct, _, missed = totals(scored, measure)
        assert correct + missed == len(ALL.mentions)
    assert sum(totals(scored, Measure.GOLLIE)[:2]) == len(items)
    left = len(items) - scored.hallucinated - scored.repeated
    assert sum(totals(scored, Measure.GOLLIE_FILTERED)[:2]) == left


def test_a_class_that_was_not_asked_for_goes_without_the_rest_of_the_answer() -> None:
    scored = score(' [Animal(span="Ann", age=3), Animal("Ann"), Person(span="Ann"), Animal()]')
    assert scored.parsed and (scored.predicted, scored.hallucinated) == (4, 3)
    assert totals(scored, Measure.GOLLIE) == totals(scored, Measure.GOLLIE_FILTERED) == (1, 0, 2)
    assert totals(scored, Measure.STRICT) == (1, 3, 2), "who is strict counts them as wrong"


def test_no_surface_counts_oftener_than_it_stands_in_the_sentence_whatever_its_class() -> None:
    oslo = ', Place(span="Oslo")' * 3
    scored = score(f' [Place(span="Ann"), Place(span="Ann"), Person(span="Ann"){oslo}]')
    assert scored.repeated == 3
    assert totals(scored, Measure.GOLLIE) == (2, 4, 1)
    assert totals(scored, Measure.GOLLIE_FILTERED) == (1, 2, 2)
    # GoLLIE compares without the spaces at the ends, but looks for the surface with them.
    assert score(' [Place(span="Oslo ")]').repeated == 1


def evaluated(*models: ScoredModel, samples: int = 200) -> Evaluation:
    sentences = tuple(GoldSentence(f"s{number}", TEXT, ALL.mentions) for number in range(8))
    domains = (Domain("one", SCHEMA, sentences), Domain("two", SCHEMA, sentences[:2]))
    return evaluate_scores(Benchmark("b", domains, {}), models, samples=samples)


def model(name: str, first: str, rest: str, **more: object) -> ScoredModel:
    """A model that gives one answer to the first sentence of each domain, and another to the rest."""
    scores = {
        domain: [score(first if number == 0 else rest) for number in range(count)]
        for domain, count in (("one", 8), ("two", 2))
    }
    return ScoredModel(name, scores, **more)  # type: ignore[arg-type]


PERFECT = ' [Person(span="Ann"), Person(span="Ann"), Place(span="Oslo")]'


def test_figures_are_micro_in_a_domain_and_averaged_over_domains() -> None:
    made = evaluated(model("m", PERFECT, " []"))
    scores = made.models[0].scores
    # One: 3 of 24 found; two: 3 of 6.
    one, two = 2 * 3 / (3 + 24), 2 * 3 / (3 + 6)
    assert scores["one"][Measure.STRICT].f1.value == pytest.approx(one)
    assert scores["two"][Measure.STRICT].f1.value == pytest.approx(two)
    average = scores[AVERAGE][Measure.STRICT].f1
    assert average.value == pytest.approx((one + two) / 2)
    assert average.low is not None and average.high is not None
    assert average.low < average.value < average.high  # type: ignore[operator]
    assert made.mentions == {"one": 24, "two": 6}


def test_models_are_compared_over_the_same_resamples() -> None:
    good, bad = model("good", PERFECT, " []"), model("bad", " []", " []")
    (pair,) = evaluated(bad, good).differences[:1]
    assert (pair.model, pair.against) == ("good", "bad")
    assert pair.f1[Measure.STRICT].value is not None and pair.f1[Measure.STRICT].value > 0
    same = evaluated(good, good._replace(name="again")).differences[0].f1[Measure.STRICT]
    assert (same.value, same.low, same.high) == (0, 0, 0), "equal answers, paired, differ by nothing at all"


def test_classes_are_told_by_what_training_knew_of_them() -> None:
    made = evaluated(model("m", PERFECT, PERFECT, trained_on=("persons", "Plaice")))
    result = made.models[0]
    assert {name: each.seen for name, each in result.classes["one"].items()} == {
        "Person": "exact",
        "Place": "near",
    }
    assert set(result.by_seen) == {"exact", "near"}
    assert evaluated(model("m", PERFECT, PERFECT)).models[0].by_seen == {}


def test_a_label_written_as_one_word_is_the_class_of_that_name() -> None:
    schema = AnnotationSchema(classes=(ClassSpec(name="MusicalArtist"),))
    domain = Domain("one", schema, (GoldSentence("s", "Ann sang.", ((0, 3, "MusicalArtist"),)),))
    scored = [score_answer(" []", False, domain.sentences[0], schema)]
    known = ScoredModel("m", {"one": scored}, ("musicalartist",))
    made = evaluate_scores(Benchmark("b", (domain,), {}), [known], samples=0)
    assert made.models[0].classes["one"]["MusicalArtist"].seen == "exact"


def test_rates_of_answers_stand_beside_the_scores() -> None:
    made = evaluated(model("m", ' [Person(span="Zoe"), Person(span="Ann")]', "nothing")).models[0]
    assert made.unparsable == pytest.approx(8 / 10)
    assert made.hallucinated == pytest.approx(1 / 2)
    assert made.truncated == 0
