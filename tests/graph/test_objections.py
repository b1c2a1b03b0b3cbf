"""Objections over the rounds of a document: who gave way, and that each has exactly one end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_team import TEXT

from graph.deciding import settle
from graph.objections import history, track
from schemas.annotation import Annotation, Instance
from schemas.judgement import Agent, Finding, FindingCode, Scores, Severity
from schemas.locate import TextIndex, ground
from schemas.objections import Objection, Standing
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
INDEX = TextIndex(TEXT)


def mention(quote: str, occurrence: int = 1, name: str = "Person") -> Instance:
    return ground(Instance(class_name=name, values={"span": quote}), SCHEMA, INDEX, {"span": occurrence})


def about(
    code: FindingCode, instance: Instance, severity: Severity = Severity.MAJOR, raised_by: str = "critic"
) -> Finding:
    anchor = instance.anchor
    assert anchor is not None
    return Finding(
        code=code,
        severity=severity,
        raised_by=raised_by,
        class_name=instance.class_name,
        quote=instance.surface,
        start=anchor.start,
        end=anchor.end,
    )


def of_class(
    code: FindingCode, name: str | None = "Person", raised_by: str = "critic", message: str = ""
) -> Finding:
    return Finding(code=code, severity=Severity.MINOR, raised_by=raised_by, class_name=name, message=message)


def told(
    before: Round | None,
    *annotations: Sequence[Instance],
    findings: Sequence[Finding] = (),
    schema: AnnotationSchema = SCHEMA,
) -> Round:
    """The next round, its objections tracked."""
    made = tuple(
        Annotation(document_id="d", annotator=f"annotator-{number}", instances=tuple(instances))
        for number, instances in enumerate(annotations, 1)
    )
    round_ = Round(
        number=before.number + 1 if before else 1,
        entered=Agent.ANNOTATOR,
        annotation_schema=schema,
        annotations=made,
        agreed=Annotation(document_id="d", annotator="agreed", instances=tuple(annotations[0])),
        findings=tuple(findings),
        scores=Scores(grounding=1),
        state_hash="",
    )
    return round_.model_copy(update={"objections": track(round_, before)})


def ends(round_: Round) -> list[tuple[int, str, int | None, tuple[str, ...]]]:
    return [(one.number, one.status.value, one.settled_in, one.gave_way) for one in round_.objections]


ANN, ANN_2, BO, OSLO = mention("Ann"), mention("Ann", 2), mention("Bo"), mention("Oslo", name="Place")


def test_findings_are_numbered_in_the_order_in_which_they_are_raised() -> None:
    first = told(None, [ANN], findings=[about(FindingCode.TYPE, ANN), of_class(FindingCode.SCHEMA_OVERLAP)])
    second = told(first, [ANN], findings=[about(FindingCode.TYPE, BO), *first.findings])
    assert [(one.number, one.raised_in, one.finding.quote) for one in second.objections] == [
        (1, 1, "Ann"),
        (2, 1, None),
        (3, 2, "Bo"),
    ]
    assert {one.status for one in second.objections} == {Standing.OPEN}


@pytest.mark.parametrize("code", [FindingCode.TYPE, FindingCode.SPURIOUS, FindingCode.BOUNDARY])
def test_those_who_take_back_their_mention_give_way(code: FindingCode) -> None:
    first = told(None, [ANN, BO], [BO], [ANN], findings=[about(code, ANN)])
    assert ends(told(first, [BO], [BO], [])) == [(1, "mended", 2, ("annotator-1", "annotator-3"))]


def test_the_critic_concedes_where_somebody_still_has_the_mention() -> None:
    first = told(None, [ANN], [ANN], findings=[about(FindingCode.SPURIOUS, ANN)])
    assert ends(told(first, [ANN], [])) == [(1, "conceded", 2, ("critic",))]


def test_two_places_of_one_surface_are_told_apart() -> None:
    raised = [about(FindingCode.TYPE, ANN), about(FindingCode.TYPE, ANN_2)]
    first = told(None, [ANN, ANN_2], findings=raised)
    second = told(first, [ANN], findings=raised[:1])
    assert ends(second) == [(1, "open", None, ()), (2, "mended", 2, ("annotator-1",))]


def test_another_word_for_the_same_fault_is_the_same_objection() -> None:
    first = told(None, [ANN], findings=[about(FindingCode.TYPE, ANN)])
    second = told(first, [ANN], findings=[about(FindingCode.SPURIOUS, ANN)])
    (objection,) = second.objections
    assert (objection.finding.code, objection.status) == (FindingCode.SPURIOUS, Standing.OPEN)


def test_a_missing_mention_is_mended_by_who_adds_it_and_else_conceded() -> None:
    wider = mention("the Oslo engine", name="Place")
    engine = about(FindingCode.MISSING, mention("engine", name="Place"), Severity.MINOR)
    first = told(None, [ANN], [ANN], findings=[engine])
    assert ends(told(first, [ANN], [ANN, wider])) == [(1, "mended", 2, ("annotator-2",))]
    assert ends(told(first, [ANN], [ANN])) == [(1, "conceded", 2, ("critic",))]
    # Of another class it is not what was asked for.
    other = mention("the Oslo engine")
    assert ends(told(first, [ANN], [ANN, other])) == [(1, "conceded", 2, ("critic",))]


def test_a_quote_that_stands_nowhere_is_mended_by_who_takes_it_back() -> None:
    nowhere = mention("Zed")
    finding = Finding(
        code=FindingCode.UNGROUNDED, severity=Severity.MAJOR, raised_by="grounding", class_name="Person",
        quote="Zed",
    )  # fmt: skip
    first = told(None, [ANN, nowhere], [nowhere], findings=[finding])
    assert ends(told(first, [ANN], [nowhere], findings=[finding])) == [(1, "open", None, ())]
    assert ends(told(first, [ANN], [BO])) == [(1, "mended", 2, ("annotator-1", "annotator-2"))]


def test_guideline_and_schema_are_mended_by_their_agents_or_the_critic_concedes() -> None:
    vague, broad = (
        of_class(FindingCode.GUIDELINE_CONTRADICTION),
        of_class(FindingCode.SCHEMA_GENERIC, "Place"),
    )
    first = told(None, [ANN], findings=[vague, broad])
    rewritten = ClassSpec(name="Person", guideline=Guideline(definition="A human being."))
    mended = told(first, [ANN], schema=AnnotationSchema(classes=(rewritten,)))
    assert ends(mended) == [(1, "mended", 2, ("guideline-writer",)), (2, "mended", 2, ("schema-designer",))]
    assert ends(told(first, [ANN])) == [(1, "conceded", 2, ("critic",)), (2, "conceded", 2, ("critic",))]


def test_a_remark_about_no_class_is_mended_by_any_change_of_the_schema() -> None:
    first = told(None, [ANN], findings=[of_class(FindingCode.SCHEMA_MISSING_CLASS, None, message="ships")])
    fewer = AnnotationSchema(classes=SCHEMA.classes[:1])
    assert ends(told(first, [ANN], schema=fewer)) == [(1, "mended", 2, ("schema-designer",))]
    other = of_class(FindingCode.SCHEMA_MISSING_CLASS, None, message="cargo")
    assert [end[1] for end in ends(told(first, [ANN], findings=[other]))] == ["conceded", "open"]


def test_annotators_who_come_to_agree_have_given_way_and_code_never_concedes() -> None:
    def differ(count: int) -> Finding:
        message = f"annotators differ on {count} mentions"
        return of_class(FindingCode.GUIDELINE_UNDERSPECIFIED, raised_by="agreement", message=message)

    first = told(None, [ANN, BO], [OSLO], findings=[differ(3)])
    second = told(first, [ANN], [OSLO], findings=[differ(2)])
    assert ends(second) == [(1, "open", None, ())]
    assert ends(told(second, [ANN], [ANN])) == [(1, "mended", 3, ("annotator-2",))]


def test_what_is_settled_and_raised_again_is_a_new_objection() -> None:
    finding = about(FindingCode.TYPE, ANN)
    first = told(None, [ANN], findings=[finding])
    second = told(first, [])
    third = told(second, [ANN], findings=[finding])
    assert ends(third) == [(1, "mended", 2, ("annotator-1",)), (2, "open", None, ())]


# --- at the end ---


def test_what_is_still_open_in_the_round_that_is_kept_is_dropped_with_its_mention() -> None:
    raised = [about(FindingCode.TYPE, ANN), of_class(FindingCode.SCHEMA_OVERLAP)]
    first = told(None, [ANN, BO], findings=raised)
    second = told(first, [ANN, BO], findings=[*raised, about(FindingCode.TYPE, BO)])
    kept = settle(first)
    assert ends(kept) == [(1, "dropped", 1, ()), (2, "open", None, ())]
    assert ends(settle(kept)) == ends(kept)
    whole = history([first, second], kept)
    # The third was raised against a round that is not kept: nobody gave way, and nothing was dropped for it.
    assert [one.status.value for one in whole] == ["dropped", "open", "open"]
    assert history([first, second], None) == second.objections and history([], None) == ()


def test_who_gave_way_after_the_round_that_is_kept_is_still_told() -> None:
    first = told(None, [ANN], findings=[about(FindingCode.TYPE, ANN)])
    second = told(first, [])
    (objection,) = history([first, second], settle(first))
    assert objection.status is Standing.MENDED and objection.gave_way == ("annotator-1",)


instances = st.sampled_from(
    [ANN, ANN_2, BO, OSLO, mention("Zed"), mention("Oslo"), mention("the Oslo engine")]
)
codes = st.sampled_from(FindingCode)


def finding_of(code: FindingCode, instance: Instance, severity: Severity, raised_by: str) -> Finding:
    if code.value.startswith(("GUIDELINE", "SCHEMA")):
        return of_class(code, instance.class_name, raised_by)
    return about(code, instance, severity, raised_by)


rounds = st.lists(
    st.tuples(
        st.lists(st.lists(instances, max_size=4), min_size=2, max_size=2),
        st.lists(
            st.builds(
                finding_of, codes, instances, st.sampled_from(Severity), st.sampled_from(["critic", "lint"])
            ),
            max_size=5,
        ),
        st.sampled_from([SCHEMA, AnnotationSchema(classes=SCHEMA.classes[:1])]),
    ),
    min_size=1,
    max_size=5,
)


@given(rounds, st.integers(0, 4))
def test_every_objection_ends_in_exactly_one_way_and_what_is_settled_stays_so(
    drawn: list[tuple[list[list[Instance]], list[Finding], AnnotationSchema]], kept_at: int
) -> None:
    made: list[Round] = []
    for said, findings, schema in drawn:
        made.append(told(made[-1] if made else None, *said, findings=findings, schema=schema))
    for before, after in pairwise(made):
        assert len(after.objections) >= len(before.objections)
        for old, new in zip(before.objections, after.objections, strict=False):
            assert (old.number, old.raised_in) == (new.number, new.raised_in)
            assert old == new or old.status is Standing.OPEN
    last = made[-1]
    assert [one.number for one in last.objections] == list(range(1, len(last.objections) + 1))
    open_now = [one.finding for one in last.objections if one.status is Standing.OPEN]
    assert all(finding in last.findings for finding in open_now)
    whole = history(made, settle(made[kept_at % len(made)]))
    balance(whole)
    assert len(whole) == len(last.objections)


def balance(objections: Sequence[Objection]) -> None:
    """Raised = mended + conceded + dropped + open, and each tells who gave way, and when, if anybody did."""
    counted = {status: [one for one in objections if one.status is status] for status in Standing}
    assert sum(map(len, counted.values())) == len(objections)
    for one in objections:
        settled = one.status in (Standing.MENDED, Standing.CONCEDED)
        assert bool(one.gave_way) == settled
        assert (one.settled_in is None) == (one.status is Standing.OPEN)
        assert one.settled_in is None or one.settled_in >= one.raised_in
        assert (one.gave_way == ("critic",)) == (one.status is Standing.CONCEDED)
