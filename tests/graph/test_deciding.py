"""Scores, routes, endings and decisions; and that the loop ends, whatever the critic says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_team import TEXT

from graph.deciding import (
    WORKING_ORDER,
    ending,
    grounding,
    guideline_score,
    route,
    schema_score,
    settle,
    state_hash,
)
from graph.merits import best, decide, merits_of, obstacles
from schemas.annotation import Annotation, Instance
from schemas.judgement import (
    ROUTES,
    Agent,
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


def faults(made: Round, thresholds: Thresholds = STRICT, *, settled: bool = False) -> tuple[str, ...]:
    return obstacles(merits_of(made), thresholds, settled=settled)


def scores(**changed: float | None) -> Scores:
    return PERFECT.model_copy(update=changed)


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
    assert faults(round_(person("Ann"), scores=Scores(grounding=1))) == ()
    low = scores(agreement=0.89, faithfulness=0.79, completeness=0.69, guideline=0.49, schema_fit=0.49)
    named = faults(round_(scores=low))
    assert [fault.split()[0] for fault in named[:-1]] == [
        "agreement",
        "faithfulness",
        "completeness",
        "guideline",
        "schema_fit",
    ]
    assert named[0] == "agreement 0.89 < 0.9" and named[-1] == "0 agreed instances, 1 wanted"
    exact = scores(agreement=0.9, faithfulness=0.8, completeness=0.7, guideline=0.5, schema_fit=0.5)
    assert faults(round_(person("Ann"), scores=exact)) == ()
    assert faults(round_(scores=scores(grounding=0.999)), Thresholds(min_instances=0))


# --- routes ---


@given(value=st.floats(0, 1), least=st.floats(0.01, 1))
def test_what_falls_short_is_said_to_be_less(value: float, least: float) -> None:
    found = faults(round_(scores=scores(agreement=value)), Thresholds(agreement=least))
    told = [fault for fault in found if fault.startswith("agreement")]
    assert bool(told) == (value < least)
    for fault in told:
        shown = fault.removeprefix("agreement ").split(" < ")
        assert float(shown[0]) < least


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
    assert best([merits_of(each) for each in (low, good, better, again)], STRICT).number == 3
    assert best([merits_of(each) for each in (low, again, better)], STRICT).number == 4
    # More sound on the whole, but with one objection more.
    bad = round_(person("Ann"), findings=[finding(FindingCode.SCHEMA_GENERIC)], number=5)
    assert best([merits_of(each) for each in (bad, good)], STRICT).number == 2


def test_a_round_that_can_be_settled_is_better_than_one_that_cannot() -> None:
    disputed = round_(
        person("Ann"),
        person("Bo"),
        findings=[finding(FindingCode.SPURIOUS, quote="Bo")],
        scores=scores(faithfulness=0.85),
        number=1,
    )
    torn = round_(person("Ann"), scores=scores(agreement=0.89), number=2)
    assert best([merits_of(each) for each in (disputed, torn)], STRICT).number == 1
    assert decide([merits_of(disputed)], STRICT, Ending.CAP).outcome is Outcome.ACCEPTED
    assert decide([merits_of(torn)], STRICT, Ending.CAP).outcome is Outcome.REJECTED


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
    assert len(faults(after)) <= len(faults(before)) + 1  # too few may be left
    assert settle(after) == after
    assert faults(before, settled=True) == faults(after) == faults(after, settled=True)


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
    decision = decide([merits_of(made)], thresholds, how)
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
    assert faults(made) == ("2 open major findings (TYPE)",)
    assert faults(made, Thresholds(block_on_major=False)) == ()


def test_a_document_without_instances_is_accepted_only_where_that_is_asked_for() -> None:
    assert (
        decide([merits_of(round_())], Thresholds(min_instances=0), Ending.AGREED).outcome is Outcome.ACCEPTED
    )
    assert (
        decide([merits_of(round_())], Thresholds(min_instances=1), Ending.AGREED).outcome is Outcome.REJECTED
    )
