"""Scores, routes, endings and decisions; and that the loop ends, whatever the critic says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_team import TEXT, Cast, Script, accept, annotated, in_turns, job, judged, reject

from graph.deciding import (
    WORKING_ORDER,
    best,
    decide,
    ending,
    grounding,
    guideline_score,
    objections,
    route,
    schema_score,
    settle,
    shortfalls,
    state_hash,
)
from graph.document_graph import DocumentGraph
from schemas.annotation import Annotation, Instance
from schemas.documents import Document
from schemas.judgement import (
    ROUTES,
    Agent,
    Decision,
    Ending,
    Finding,
    FindingCode,
    Outcome,
    Scores,
    Severity,
    Thresholds,
)
from schemas.locate import TextIndex, ground
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
INDEX = TextIndex(TEXT)
PERFECT = Scores(
    grounding=1, agreement=1.0, faithfulness=1.0, completeness=1.0, guideline=1.0, schema_fit=1.0
)
STRICT = Thresholds()


def person(quote: str, occurrence: int = 1) -> Instance:
    return ground(Instance(class_name="Person", values={"span": quote}), SCHEMA, INDEX, {"span": occurrence})


def place(quote: str) -> Instance:
    return ground(Instance(class_name="Place", values={"span": quote}), SCHEMA, INDEX)


def annotation(*instances: Instance, unknown: tuple[str, ...] = ()) -> Annotation:
    return Annotation(document_id="d", annotator="a", instances=instances, unknown_classes=unknown)


def finding(
    code: FindingCode,
    class_name: str | None = "Person",
    quote: str | None = None,
    severity: Severity = Severity.MAJOR,
) -> Finding:
    return Finding(code=code, severity=severity, raised_by="critic", class_name=class_name, quote=quote)


def round_(
    *agreed: Instance,
    findings: Sequence[Finding] = (),
    scores: Scores = PERFECT,
    number: int = 1,
    state: str = "",
) -> Round:
    return Round(
        number=number,
        entered=Agent.DESIGNER,
        annotation_schema=SCHEMA,
        annotations=(annotation(*agreed), annotation(*agreed)),
        agreed=annotation(*agreed),
        findings=tuple(findings),
        scores=scores,
        state_hash=state or f"state-{number}",
    )


def scores(**changed: float | None) -> Scores:
    return PERFECT.model_copy(update=changed)


async def loop(cast: Cast, rounds: int, **thresholds: float | bool) -> tuple[Decision, Round, list[Round]]:
    seen: list[Round] = []
    graph = DocumentGraph(job(rounds, **thresholds), cast.team, lambda _, made: seen.append(made))
    decision, kept, _ = await graph.run(Document(id="d", text=TEXT))
    return decision, kept, seen


# --- the loop ends ---

other_person = judged(lambda number, quote, name: "wrong_class" if number % 2 else "correct")


@pytest.mark.parametrize("rounds", [1, 2, 3, 6])
@pytest.mark.parametrize(
    "critic",
    [accept, reject, in_turns(*[accept, reject] * 3), in_turns(*[reject, other_person] * 3)],
    ids=["accepts", "rejects", "accepts first", "alternates"],
)
async def test_the_loop_ends_within_its_cap(critic: Script, rounds: int) -> None:
    decision, kept, seen = await loop(Cast(critic=critic), rounds)
    assert 1 <= len(seen) <= rounds
    assert [made.number for made in seen] == list(range(1, len(seen) + 1))
    assert decision.round == kept.number <= len(seen)
    assert decision.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)


async def test_a_critic_who_always_accepts_ends_it_in_the_first_round() -> None:
    decision, kept, seen = await loop(Cast(critic=accept), 5)
    assert (decision.outcome, decision.ending, len(seen)) == (Outcome.ACCEPTED, Ending.AGREED, 1)
    assert [instance.surface for instance in kept.agreed.instances] == [
        "Ann",
        "Bo",
        "Oslo",
        "Ann",
        "Cy",
        "Rome",
    ]


async def test_a_critic_who_always_says_the_same_ends_it_in_a_stalemate() -> None:
    decision, kept, seen = await loop(Cast(critic=reject), 5)
    assert decision.ending is Ending.STALEMATE and len(seen) == 2
    assert decision.outcome is Outcome.REJECTED and decision.reason.startswith("stalemate, round 1 kept: ")
    assert kept.agreed.instances == () and kept.agreed.unknown_classes == ("Person", "Place")


async def test_a_critic_who_goes_round_in_circles_is_named() -> None:
    critic = in_turns(reject, other_person, reject, other_person)
    decision, _, seen = await loop(Cast(critic=critic), 9)
    assert decision.ending is Ending.OSCILLATION and len(seen) == 3


async def test_a_loop_that_always_changes_ends_at_the_cap() -> None:
    def other_quote(request: object) -> dict[str, list[str]]:
        words = TEXT.split()
        return {"Person": [words[request.purpose.round]]}  # type: ignore[attr-defined]

    decision, _, seen = await loop(Cast(annotator=other_quote, critic=reject), 4)
    assert decision.ending is Ending.CAP and len(seen) == 4
    assert decision.outcome is Outcome.REJECTED


async def test_a_critic_who_accepts_everything_cannot_override_grounding() -> None:
    invented = annotated({"Person": ["Ann", "Bo", "Cy", "Zed"], "Place": ["Oslo"]})
    decision, kept, _ = await loop(Cast(annotator=invented, critic=accept), 3, agreement=0.0)
    assert decision.outcome is Outcome.REJECTED
    assert kept.scores.grounding == pytest.approx(4 / 5)
    assert "grounding 0.80 < 1" in decision.reason and "UNGROUNDED" in decision.reason
    assert "Zed" not in [instance.surface for instance in kept.agreed.instances]
    lenient, _, _ = await loop(Cast(annotator=invented), 1, agreement=0.0, block_on_major=False)
    assert lenient.outcome is Outcome.REJECTED


async def test_what_is_still_disputed_at_the_end_is_dropped_and_the_rest_accepted() -> None:
    critic = judged(lambda _, quote, name: "spurious" if quote == "Cy" else "correct")
    decision, kept, seen = await loop(Cast(critic=critic), 3)
    assert decision.outcome is Outcome.ACCEPTED and decision.ending is Ending.STALEMATE
    assert [instance.surface for instance in kept.agreed.instances] == ["Ann", "Bo", "Oslo", "Ann", "Rome"]
    assert kept.agreed.unknown_classes == ("Person",)
    assert "Cy" in [instance.surface for instance in seen[0].agreed.instances]


@pytest.mark.parametrize("lowest", [0.0, 1.0])
async def test_what_ends_in_agreement_is_accepted(lowest: float) -> None:
    decision, kept, _ = await loop(
        Cast(critic=reject), 1, faithfulness=lowest, completeness=0.0, block_on_major=False
    )
    # Every mention is dropped, so nothing was agreed on, however little the thresholds ask for.
    assert decision.outcome is Outcome.REJECTED and decision.ending is not Ending.AGREED
    assert kept.agreed.instances == ()


# --- scores ---


def test_grounding_is_the_share_of_mentions_found_over_all_annotators() -> None:
    assert grounding([]) == grounding([annotation()]) == 1
    assert grounding([annotation(person("Ann"), person("Zed")), annotation(person("Bo"))]) == pytest.approx(
        2 / 3
    )
    assert grounding([annotation(person("Zed"))]) == 0


def test_guideline_and_schema_scores_are_the_share_of_faultless_classes() -> None:
    vague = finding(FindingCode.GUIDELINE_UNDERSPECIFIED)
    assert guideline_score(SCHEMA, []) == 1
    assert guideline_score(SCHEMA, [vague, finding(FindingCode.GUIDELINE_CONTRADICTION)]) == 0.5
    assert guideline_score(SCHEMA, [vague, finding(FindingCode.GUIDELINE_CONTRADICTION, "Place")]) == 0
    assert schema_score(SCHEMA, [vague]) == 1
    # One that names no class of the schema counts for one class, and the score stays a fraction.
    assert schema_score(SCHEMA, [finding(FindingCode.SCHEMA_MISSING_CLASS, None)]) == 0.5
    three = [finding(FindingCode.SCHEMA_GENERIC, name) for name in ("Person", "Place", None)]
    assert schema_score(SCHEMA, three) == 0


def test_a_score_that_was_not_judged_passes_and_each_that_falls_short_is_named() -> None:
    nothing = Scores(grounding=1)
    assert shortfalls(nothing, STRICT, 1) == ()
    low = scores(agreement=0.89, faithfulness=0.79, completeness=0.69, guideline=0.49, schema_fit=0.49)
    faults = shortfalls(low, STRICT, 0)
    assert [fault.split()[0] for fault in faults[:-1]] == [
        "agreement",
        "faithfulness",
        "completeness",
        "guideline",
        "schema_fit",
    ]
    assert faults[0] == "agreement 0.89 < 0.9" and faults[-1] == "0 agreed instances, 1 wanted"
    exact = scores(agreement=0.9, faithfulness=0.8, completeness=0.7, guideline=0.5, schema_fit=0.5)
    assert shortfalls(exact, STRICT, 1) == ()
    assert shortfalls(scores(grounding=0.999), Thresholds(min_instances=0), 0)


async def test_faithfulness_and_completeness_are_shares_of_single_judgements() -> None:
    critic = judged(
        lambda _, quote, name: "correct" if quote != "Bo" else "wrong_class",
        missing=[("Person", "engine"), ("Place", "Later"), ("Person", "Nowhere"), ("Nobody", "met")],
    )
    _, _, (made,) = await loop(Cast(critic=critic), 1)
    assert made.scores.faithfulness == pytest.approx(5 / 6)
    assert made.scores.completeness == pytest.approx(5 / 7)  # two of the four stand somewhere, as a class
    assert made.scores.grounding == made.scores.agreement == 1


# --- routes ---


@pytest.mark.parametrize("code", FindingCode)
def test_every_finding_has_one_agent_to_mend_it(code: FindingCode) -> None:
    assert route([finding(code)]) is ROUTES[code] and ROUTES[code] in WORKING_ORDER


def test_major_findings_go_first_then_the_earliest_agent() -> None:
    generic, vague, wrong = (
        FindingCode.SCHEMA_GENERIC,
        FindingCode.GUIDELINE_UNDERSPECIFIED,
        FindingCode.SPURIOUS,
    )
    assert route([]) is None
    assert route([finding(wrong), finding(vague), finding(generic)]) is Agent.DESIGNER
    assert route([finding(wrong), finding(vague)]) is Agent.WRITER
    assert route([finding(wrong), finding(generic, severity=Severity.MINOR)]) is Agent.ANNOTATOR
    minor = [finding(code, severity=Severity.MINOR) for code in (wrong, vague)]
    assert route(minor) is Agent.WRITER


@given(st.lists(st.tuples(st.sampled_from(FindingCode), st.sampled_from(Severity)), min_size=1))
def test_a_route_is_always_to_an_agent_that_was_named(named: list[tuple[FindingCode, Severity]]) -> None:
    findings = [finding(code, severity=severity) for code, severity in named]
    assert route(findings) in {one.target for one in findings}
    assert route(findings) is route(findings[::-1])


# --- endings ---


def test_standstill_circle_and_cap_are_told_apart() -> None:
    def states(hashes: str) -> list[Round]:
        return [round_(number=number, state=state) for number, state in enumerate(hashes, 1)]

    assert ending(states("a"), 3) is None
    assert ending(states("a"), 1) is Ending.CAP
    assert ending(states("aa"), 3) is Ending.STALEMATE
    assert ending(states("aba"), 9) is Ending.OSCILLATION
    assert ending(states("abc"), 3) is Ending.CAP
    assert ending(states("aa"), 2) is Ending.STALEMATE


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8), st.integers(1, 8))
def test_no_history_goes_on_past_the_cap_or_a_repetition(hashes: list[str], cap: int) -> None:
    rounds = [round_(number=number, state=state) for number, state in enumerate(hashes, 1)]
    repeated = hashes[-1] in hashes[:-1]
    assert (ending(rounds, cap) is None) == (len(rounds) < cap and not repeated)


def test_the_state_is_schema_annotations_and_findings_in_any_order() -> None:
    vague, wrong = finding(FindingCode.GUIDELINE_UNDERSPECIFIED), finding(FindingCode.TYPE, quote="Ann")
    one, two = annotation(person("Ann")), annotation(person("Bo"))
    state = state_hash(SCHEMA, [one, two], [vague, wrong])
    assert state == state_hash(SCHEMA, [one, two], [wrong, vague])
    others = [
        state_hash(SCHEMA, [two, one], [vague, wrong]),
        state_hash(SCHEMA, [one, two], [vague]),
        state_hash(AnnotationSchema(classes=SCHEMA.classes[:1]), [one, two], [vague, wrong]),
    ]
    assert len({state, *others}) == 4


# --- the best round, settled ---


def test_the_best_round_has_the_fewest_objections_then_the_best_scores_then_comes_first() -> None:
    low = round_(person("Ann"), scores=scores(agreement=0.5, faithfulness=0.5), number=1)
    good = round_(person("Ann"), scores=scores(agreement=0.95), number=2)
    better = round_(person("Ann"), scores=scores(agreement=0.96), number=3)
    again = round_(person("Ann"), scores=scores(agreement=0.96), number=4)
    assert best([low, good, better, again], STRICT).number == 3
    assert best([low, again, better], STRICT).number == 4
    # More sound on the whole, but with one objection more.
    bad = round_(person("Ann"), findings=[finding(FindingCode.SCHEMA_GENERIC)], number=5)
    assert best([bad, good], STRICT).number == 2


def test_a_round_that_can_be_settled_is_better_than_one_that_cannot() -> None:
    disputed = round_(
        person("Ann"),
        person("Bo"),
        findings=[finding(FindingCode.SPURIOUS, quote="Bo")],
        scores=scores(faithfulness=0.85),
        number=1,
    )
    torn = round_(person("Ann"), scores=scores(agreement=0.89), number=2)
    assert best([disputed, torn], STRICT).number == 1
    assert decide(settle(disputed), STRICT, Ending.CAP).outcome is Outcome.ACCEPTED
    assert decide(settle(torn), STRICT, Ending.CAP).outcome is Outcome.REJECTED


def test_settling_drops_what_the_critic_objects_to_and_marks_its_class_unknown() -> None:
    before = round_(
        person("Ann"),
        place("Oslo"),
        place("Rome"),
        findings=[
            finding(FindingCode.BOUNDARY, "Place", "Oslo"),
            finding(FindingCode.MISSING, "Person", "Later", Severity.MINOR),
            finding(FindingCode.SCHEMA_GENERIC, "Place"),
        ],
    )
    after = settle(before)
    assert [instance.surface for instance in after.agreed.instances] == ["Ann", "Rome"]
    assert after.agreed.unknown_classes == ("Person", "Place")
    assert [one.severity for one in after.findings] == [Severity.MINOR, Severity.MINOR, Severity.MAJOR]
    assert after.scores == before.scores and after.annotations == before.annotations
    assert settle(after) == after


def test_settling_leaves_an_agreed_mention_alone_whose_likeness_elsewhere_is_disputed() -> None:
    """A minor objection is about a mention that was not agreed on, and is not in the result anyway."""
    before = round_(
        person("Ann", 1), findings=[finding(FindingCode.SPURIOUS, "Person", "Ann", Severity.MINOR)]
    )
    after = settle(before)
    assert after.agreed.instances == before.agreed.instances
    assert after.agreed.unknown_classes == ("Person",)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(FindingCode),
            st.sampled_from([*SCHEMA.names, None]),
            st.sampled_from(["Ann", "Bo", "Oslo", None]),
            st.sampled_from(Severity),
        )
    )
)
def test_settling_only_takes_away_and_is_done_once(
    drawn: list[tuple[FindingCode, str | None, str | None, Severity]],
) -> None:
    before = round_(person("Ann"), person("Bo"), place("Oslo"), findings=[finding(*one) for one in drawn])
    after = settle(before)
    assert set(i.surface for i in after.agreed.instances) <= {"Ann", "Bo", "Oslo"}
    gone = {i.class_name for i in before.agreed.instances if i not in after.agreed.instances}
    assert gone <= set(after.agreed.unknown_classes)
    assert len(objections(after, STRICT)) <= len(objections(before, STRICT)) + 1  # too few may be left
    assert settle(after) == after


# --- decisions ---


@given(
    st.builds(
        Scores,
        grounding=st.sampled_from([0, 0.5, 0.99, 1]),
        agreement=st.none() | st.floats(0, 1),
        faithfulness=st.none() | st.floats(0, 1),
        completeness=st.none() | st.floats(0, 1),
        guideline=st.none() | st.floats(0, 1),
        schema_fit=st.none() | st.floats(0, 1),
    ),
    st.sampled_from(Ending),
    st.sampled_from([(), (person("Ann"),)]),
    st.booleans(),
    st.booleans(),
)
def test_accepted_means_that_nothing_stands_against_it(
    given_: Scores, how: Ending, agreed: tuple[Instance, ...], major: bool, block: bool
) -> None:
    thresholds = Thresholds(block_on_major=block)
    made = round_(
        *agreed, scores=given_, findings=[finding(FindingCode.SCHEMA_GENERIC)] if major else [], number=4
    )
    decision = decide(made, thresholds, how)
    accepted = (
        given_.grounding == 1
        and bool(agreed)
        and not (major and block)
        and all(
            value is None or value >= getattr(thresholds, name)
            for name, value in given_
            if name != "grounding"
        )
    )
    assert (decision.outcome is Outcome.ACCEPTED) == accepted
    assert decision.ending is how and decision.round == 4
    kept = "agreed in round 4" if how is Ending.AGREED else f"{how.value}, round 4 kept"
    assert decision.reason.startswith(kept)
    assert accepted or ": " in decision.reason


def test_open_major_findings_are_counted_and_named_once() -> None:
    made = round_(person("Ann"), findings=[finding(FindingCode.TYPE), finding(FindingCode.TYPE, "Place")])
    assert objections(made, STRICT) == ("2 open major findings (TYPE)",)
    assert objections(made, Thresholds(block_on_major=False)) == ()


def test_a_document_without_instances_is_accepted_only_where_that_is_asked_for() -> None:
    assert decide(round_(), Thresholds(min_instances=0), Ending.AGREED).outcome is Outcome.ACCEPTED
    assert decide(round_(), Thresholds(min_instances=1), Ending.AGREED).outcome is Outcome.REJECTED
