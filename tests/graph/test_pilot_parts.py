"""The pilot's parts: a sample that differs, a registry that merges, revisions that keep to their budget."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from graph.diversity import distance, profile
from graph.pilot.registry import Registry
from graph.pilot.revising import allowance, changes, revised, rules
from graph.pilot.sampling import POOL, diverse_sample, pool
from schemas.pilot import Ruling
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, Guideline

WORDS = "harbour ferry captain cargo verdict court judge protein enzyme cell violin sonata".split()
texts = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join),
    max_size=15,
)


@given(texts, st.integers(1, 20), st.integers(0, 3), st.randoms())
def test_a_sample_is_the_same_for_the_same_texts_and_has_none_twice(
    known: dict[str, str], size: int, seed: int, order: random.Random
) -> None:
    chosen = diverse_sample(known.items(), size, seed)
    shuffled = list(known.items())
    order.shuffle(shuffled)
    assert diverse_sample(shuffled, size, seed) == chosen
    different = {profile(text) for text in known.values() if text.strip()}
    assert len({profile(known[each]) for each in chosen}) == len(chosen) == min(size, len(different))


def test_a_sample_takes_one_of_each_kind_before_a_second_of_any() -> None:
    kinds = {
        "law": "The court heard the appeal and the judge upheld the verdict of the jury",
        "sea": "The ferry left the harbour with cargo while its captain slept below deck",
        "bio": "An enzyme folds the protein inside the living cell and splits its bonds",
    }
    known = {f"{kind}{n}": f"{text} {n}" for kind, text in kinds.items() for n in range(20)}
    for seed in range(5):
        assert {each[:3] for each in diverse_sample(known.items(), 3, seed)} == set(kinds)


def test_a_sample_has_short_and_long_texts() -> None:
    known = {f"d{n:02}": " ".join(f"word{n}x{m}" for m in range(1 + n)) for n in range(30)}
    lengths = sorted(int(each[1:]) // 10 for each in diverse_sample(known.items(), 9, 1))
    assert lengths == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@given(st.text(max_size=50), st.text(max_size=50))
def test_distance_is_none_to_itself_and_the_same_both_ways(first: str, second: str) -> None:
    one, other = profile(first), profile(second)
    assert distance(one, one) == 0
    assert 0 <= distance(one, other) == distance(other, one) <= 1


def test_of_many_documents_as_many_are_looked_at_as_is_cheap() -> None:
    every = [f"d{n}" for n in range(POOL + 1)]
    looked_at = pool(every, seed=1)
    assert len(looked_at) == POOL and looked_at == pool(every[::-1], seed=1) != pool(every, seed=2)


# --- registry ---


def proposal(*names: str, domain: str = "travel", **definitions: str) -> AnnotationSchema:
    fields = (FieldSpec(name="span"), FieldSpec(name="title"))
    return AnnotationSchema(
        domain=domain,
        classes=tuple(
            ClassSpec(
                name=name,
                guideline=Guideline(definition=definitions.get(name, "")),
                fields=fields if name == "Person" else fields[:1],
            )
            for name in names
        ),
    )


def test_classes_are_counted_over_documents_and_plain_duplicates_are_one() -> None:
    registry = Registry(
        {
            "d1": proposal("Ship", "Person", Person="A human."),
            "d2": proposal("Persons", "Ships"),
            "d3": proposal("Person", domain="sea"),
        }
    )
    assert registry.settle_plain_cases() == []
    assert registry.names == ["Person", "Ship"] and registry.domain == "travel"
    assert registry.documents("Person") == ["d1", "d3", "d2"]
    assert {(each.kept, each.merged, each.ruling, each.ruled_by) for each in registry.merges} == {
        ("Person", "Persons", Ruling.ACCEPTED, "rule"),
        ("Ship", "Ships", Ruling.ACCEPTED, "rule"),
    }
    schema = registry.schema(("Person",), {}, "")
    (person,) = schema.classes
    assert person.guideline.definition == "A human." and [f.name for f in person.fields] == ["span", "title"]
    kept = {entry.name: (entry.kept_as, len(entry.documents)) for entry in registry.entries(schema)}
    assert kept == {"Ship": (None, 1), "Person": ("Person", 2), "Persons": ("Person", 1), "Ships": (None, 1)}


def test_what_is_merely_alike_is_for_the_designer_to_decide() -> None:
    registry = Registry({"d1": proposal("SoftwareProduct", "SoftwareProject"), "d2": proposal("Court")})
    (doubtful,) = registry.settle_plain_cases()
    assert (doubtful.kept, doubtful.merged) == ("SoftwareProduct", "SoftwareProject")
    registry.rule_on([doubtful], "schema-designer")
    assert registry.merges[-1].ruling is Ruling.REFUSED and len(registry.names) == 3
    registry.merge("SoftwareProduct", "SoftwareProject")
    registry.merge("SoftwareProject", "SoftwareProduct")  # no circle
    registry.rule_on([doubtful], "schema-designer")
    assert registry.merges[-1].ruling is Ruling.ACCEPTED
    assert registry.names == ["SoftwareProduct", "Court"]


# --- revisions ---

phrases = st.sampled_from(("a rule", "another", "a third", "one more", ""))
lists = st.lists(phrases.filter(bool), max_size=4).map(tuple)
guidelines = st.builds(
    Guideline,
    definition=phrases,
    include=lists,
    exclude=lists,
    boundary=phrases,
    contrast=st.lists(st.builds(Contrast, sibling=st.sampled_from("AB"), difference=phrases), max_size=2).map(
        tuple
    ),
    negatives=lists,
)
NAMES = ("A", "B", "C")


def schemas(draw_from: st.SearchStrategy[Guideline]) -> st.SearchStrategy[AnnotationSchema]:
    return st.tuples(*[draw_from] * len(NAMES)).map(
        lambda made: AnnotationSchema(
            classes=tuple(ClassSpec(name=n, guideline=g) for n, g in zip(NAMES, made, strict=True))
        )
    )


@given(
    schemas(guidelines),
    schemas(guidelines),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.floats(0.01, 1),
)
def test_a_revision_keeps_to_its_budget_and_to_its_classes(
    old: AnnotationSchema, new: AnnotationSchema, classes: list[str], budget: float
) -> None:
    most = allowance(old, budget)
    total = sum(len(rules(spec.guideline)) for spec in old.classes)
    assert 1 <= most <= max(1, budget * total)
    made = revised(old, new, classes, most)
    assert changes(old, made) <= most
    for before, after in zip(old.classes, made.classes, strict=True):
        assert before.fields == after.fields
        assert before.guideline.negatives == after.guideline.negatives
        if before.name not in classes:
            assert before == after
        old_rules, new_rules = rules(before.guideline), rules((new.get(before.name) or before).guideline)
        assert set(rules(after.guideline)) <= set(old_rules) | set(new_rules)


@given(schemas(guidelines), schemas(guidelines))
def test_with_room_for_all_changes_all_are_made(old: AnnotationSchema, new: AnnotationSchema) -> None:
    made = revised(old, new, NAMES, changes(old, new))
    assert changes(made, new) == 0
    assert changes(old, made) == changes(old, new) and changes(old, old) == 0
