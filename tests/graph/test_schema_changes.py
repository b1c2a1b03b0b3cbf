"""What has changed between two schemas: nothing lost, nothing made up, and readable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.schema_changes import Change, ClassChange, TextChange, schema_changes
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind


def schema(*classes: ClassSpec, domain: str = "travel") -> AnnotationSchema:
    return AnnotationSchema(domain=domain, classes=classes)


def city(**guideline: object) -> ClassSpec:
    return ClassSpec(name="City", guideline=Guideline.model_validate(guideline))


def only(before: ClassSpec, after: ClassSpec) -> ClassChange:
    (change,) = schema_changes(schema(before), schema(after)).classes
    return change


def marked(change: TextChange) -> str:
    """The text with its changes in the manner of wdiff."""
    marks = {Change.SAME: "{}", Change.REMOVED: "[-{}-]", Change.ADDED: "{{+{}+}}"}
    return "".join(marks[piece.change].format(piece.text) for piece in change.pieces)


def said(change: ClassChange) -> list[tuple[str, str, str]]:
    return [(rule.part, rule.change.value, marked(rule)) for rule in change.rules]


def test_of_a_first_schema_everything_is_added() -> None:
    found = schema_changes(None, schema(city(definition="A town.", include=("capitals",))))
    assert found.any and found.domain is not None and found.domain.change is Change.ADDED
    (change,) = found.classes
    assert change.change is Change.ADDED
    assert said(change) == [
        ("definition", "added", "{+A town.+}"),
        ("include", "added", "{+capitals+}"),
    ]
    assert [marked(field) for field in change.fields] == ["{+span: str+}"]


def test_a_rule_that_was_reworded_is_one_change_word_by_word() -> None:
    before = city(
        definition="A city or town with its own mayor.", include=("capitals", "old towns by the sea")
    )
    after = city(
        definition="A city with an elected mayor.", include=("villages", "new towns by the sea", "capitals")
    )
    change = only(before, after)
    assert change.change is Change.CHANGED
    assert said(change) == [
        ("definition", "changed", "A city [-or town -]with [-its own-]{+an elected+} mayor."),
        ("include", "added", "{+villages+}"),
        ("include", "changed", "[-old-]{+new+} towns by the sea"),
        ("include", "same", "capitals"),
    ]


def test_a_rule_that_says_something_else_is_gone_and_another_is_new() -> None:
    change = only(city(exclude=("rivers and lakes",)), city(exclude=("names of football clubs",)))
    assert said(change) == [
        ("exclude", "added", "{+names of football clubs+}"),
        ("exclude", "removed", "[-rivers and lakes-]"),
    ]


def test_a_rule_that_moves_from_one_part_to_another_is_told_in_both() -> None:
    change = only(city(include=("suburbs",)), city(exclude=("suburbs",)))
    assert said(change) == [("include", "removed", "[-suburbs-]"), ("exclude", "added", "{+suburbs+}")]


def test_classes_and_contrasts_come_and_go() -> None:
    unlike = (Contrast(sibling="River", difference="Water flows."),)
    before = schema(city(contrast=unlike), ClassSpec(name="River"), ClassSpec(name="Lake"))
    after = schema(ClassSpec(name="Road"), ClassSpec(name="Lake"), city())
    found = schema_changes(before, after)
    assert [(one.name, one.change.value) for one in found.classes] == [
        ("Road", "added"),
        ("Lake", "same"),
        ("City", "changed"),
        ("River", "removed"),
    ]
    (rule,) = found.classes[2].rules
    assert (rule.part, rule.sibling, rule.change, rule.before, rule.after) == (
        "contrast",
        "River",
        Change.REMOVED,
        "Water flows.",
        "",
    )
    assert found.domain is not None and found.domain.change is Change.SAME


def test_fields_are_compared_as_code() -> None:
    size = FieldSpec(
        name="size", type=FieldType(kind=Kind.INT, optional=True), description="How many live there."
    )
    many = size.model_copy(update={"type": FieldType(kind=Kind.INT, many=True)})
    change = only(
        ClassSpec(name="City", fields=(FieldSpec(name="span"), size, FieldSpec(name="mayor"))),
        ClassSpec(name="City", fields=(FieldSpec(name="span"), many, FieldSpec(name="country"))),
    )
    assert [(field.change.value, field.before, field.after) for field in change.fields] == [
        ("same", "span: str", "span: str"),
        ("changed", "size: Optional[int]  # How many live there.", "size: List[int]  # How many live there."),
        ("added", "", "country: str"),
        ("removed", "mayor: str", ""),
    ]


def test_order_is_no_change() -> None:
    one, other = city(include=("a b", "c d")), ClassSpec(name="River")
    turned = city(include=("c d", "a b"))
    assert not schema_changes(schema(one, other), schema(other, turned)).any


_RULES = st.lists(st.text(alphabet="ab .,é", max_size=12), max_size=4).map(tuple)


@st.composite
def schemas(draw: st.DrawFn) -> AnnotationSchema:
    names = draw(st.lists(st.sampled_from(["City", "River", "Lake"]), min_size=1, unique=True))
    return schema(
        *(
            ClassSpec(
                name=name,
                guideline=Guideline(
                    definition=draw(st.text(alphabet="abc .,é", max_size=20)),
                    include=draw(_RULES),
                    exclude=draw(_RULES),
                    negatives=draw(_RULES),
                    contrast=tuple(
                        Contrast(sibling=sibling, difference=text)
                        for sibling, text in draw(
                            st.lists(
                                st.tuples(st.sampled_from(["A", "B"]), st.text("ab ", max_size=9)), max_size=3
                            )
                        )
                    ),
                ),
            )
            for name in names
        )
    )


@given(schemas(), schemas())
def test_both_schemas_can_be_read_off_the_changes(before: AnnotationSchema, after: AnnotationSchema) -> None:
    found = schema_changes(before, after)
    for side, absent, which in ((before, Change.ADDED, "before"), (after, Change.REMOVED, "after")):
        present = {one.name: one for one in found.classes if one.change is not absent}
        assert set(present) == set(side.names)
        for spec in side.classes:
            told: dict[tuple[str, str | None], list[str]] = {}
            for rule in present[spec.name].rules:
                if rule.change is not absent:
                    told.setdefault((rule.part, rule.sibling), []).append(getattr(rule, which))
            guideline = spec.guideline
            expected: dict[tuple[str, str | None], list[str]] = {
                ("include", None): list(guideline.include),
                ("exclude", None): list(guideline.exclude),
                ("negatives", None): list(guideline.negatives),
                ("definition", None): [guideline.definition] if guideline.definition else [],
            }
            for contrast in guideline.contrast:
                expected.setdefault(("contrast", contrast.sibling), []).append(contrast.difference)
            assert {key: sorted(texts) for key, texts in told.items()} == {
                key: sorted(texts) for key, texts in expected.items() if texts
            }


@given(schemas())
def test_a_schema_does_not_differ_from_itself(made: AnnotationSchema) -> None:
    assert not schema_changes(made, made).any


def test_texts_without_end_are_replaced_rather_than_compared() -> None:
    before, after = (" ".join(f"{word}{n}" for n in range(20_000)) for word in ("a", "b"))
    change = only(city(definition=before), city(definition=after))
    assert (change.rules[0].before, change.rules[0].after) == (before, after)
    assert [piece.change for piece in change.rules[0].pieces] == [Change.REMOVED, Change.ADDED]
