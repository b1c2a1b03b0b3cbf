"""Classes in groups: every class once, groups of like size, siblings together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.class_groups import class_groups
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind


def schema_of(count: int, contrasts: dict[int, int] | None = None) -> AnnotationSchema:
    """Classes C0, C1, ...; some tell themselves apart from another one."""
    siblings = {f"C{one}": f"C{other}" for one, other in (contrasts or {}).items()}
    return AnnotationSchema(
        classes=tuple(
            ClassSpec(
                name=name,
                guideline=Guideline(
                    contrast=(Contrast(sibling=siblings[name], difference="so"),) if name in siblings else ()
                ),
            )
            for name in (f"C{number}" for number in range(count))
        )
    )


@given(
    st.integers(1, 30).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.permutations(range(count)),
            st.dictionaries(st.integers(0, count - 1), st.integers(0, count), max_size=10),
            st.integers(1, 12),
        )
    )
)
def test_every_class_is_in_one_group_and_groups_are_of_like_size(
    drawn: tuple[int, list[int], dict[int, int], int],
) -> None:
    count, shown, contrasts, at_once = drawn
    order = [f"C{number}" for number in shown]
    groups = class_groups(schema_of(count, contrasts), order, at_once)
    assert sorted(name for group in groups for name in group) == sorted(order)
    sizes = [len(group) for group in groups]
    assert max(sizes) <= at_once and max(sizes) - min(sizes) <= 1
    assert len(groups) == -(-count // at_once)
    assert all(list(group) == [name for name in order if name in group] for group in groups)


def test_siblings_that_are_told_apart_stay_together() -> None:
    schema = schema_of(7, {0: 5, 6: 5})
    assert class_groups(schema, schema.names, 4) == (("C0", "C1", "C5", "C6"), ("C2", "C3", "C4"))


def test_a_class_stays_with_those_it_holds() -> None:
    held = FieldSpec(name="of", type=FieldType(kind=Kind.CLASS, class_name="C2", many=True))
    classes = schema_of(3).classes
    schema = AnnotationSchema(
        classes=(classes[0].model_copy(update={"fields": (*classes[0].fields, held)}), *classes[1:])
    )
    assert class_groups(schema, schema.names, 2) == (("C0", "C2"), ("C1",))


def test_without_a_limit_all_are_asked_about_at_once() -> None:
    schema = schema_of(9)
    assert (
        class_groups(schema, schema.names, None) == class_groups(schema, schema.names, 9) == (schema.names,)
    )
