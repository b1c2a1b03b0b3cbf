"""Locating quotes and grounding instances."""
# ruff: noqa: RUF001 -- characters that look alike are what is tested

import itertools
import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.annotation import Instance, Mention, MentionStatus
from schemas.locate import TextIndex, ground, ground_all, locate, normal_form
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

RICH = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "abcABC \x1b\x1fßẞſsSİıi\u0301\u0308\u0345eéøﬁ“”\"'’`-–—"
            " \n\t\u00a0북경北京ทย\u200d👩💻🏽\u1112\u1161\u11ab"
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


def cuts(text: str, position: int) -> bool:
    """Whether a position may lie inside a character as a reader sees it."""
    if position in (0, len(text)) or text[position - 1].isspace():
        return False
    joined = text[position - 1] == "\u200d" or "HANGUL" in unicodedata.name(text[position], "")
    return (
        joined or unicodedata.category(text[position])[0] in "MC" or 0x1F3FB <= ord(text[position]) <= 0x1F3FF
    )


@st.composite
def text_and_slice(draw: st.DrawFn) -> tuple[str, int, int]:
    text = draw(RICH.filter(bool))
    start = draw(st.integers(0, len(text) - 1))
    return text, start, draw(st.integers(start + 1, len(text)))


@given(text_and_slice())
def test_every_slice_is_found_as_it_is(case: tuple[str, int, int]) -> None:
    text, start, end = case
    quote = text[start:end]
    assume(quote.strip() and not cuts(text, start) and not cuts(text, end))
    found = locate(text, quote)
    assert found is not None
    assert text[found.start : found.end] == quote
    assert found.status is MentionStatus.EXACT


PERTURBATIONS = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "casefold": str.casefold,
    "nfc": lambda quote: unicodedata.normalize("NFC", quote),
    "nfd": lambda quote: unicodedata.normalize("NFD", quote),
    "spaces": lambda quote: " \n\t ".join(quote.split()),
    "padded": lambda quote: f"  {quote}\n",
    "curly": lambda quote: quote.replace("'", "’").replace('"', "”"),
    "straight": lambda quote: quote.replace("’", "'").replace("“", '"'),
    "dashes": lambda quote: quote.replace("-", "—").replace("–", "-"),
}


@given(text_and_slice(), st.lists(st.sampled_from(sorted(PERTURBATIONS)), max_size=4))
def test_a_changed_quote_is_found_where_its_normal_form_stands(
    case: tuple[str, int, int], how: list[str]
) -> None:
    text, start, end = case
    assume(text[start:end].strip() and not cuts(text, start) and not cuts(text, end))
    quote = text[start:end]
    for name in how:
        quote = PERTURBATIONS[name](quote)
    # Upper case is not the inverse of case folding for a few letters; such a quote is another text.
    assume(normal_form(quote) == normal_form(text[start:end]))
    found = locate(text, quote)
    assert found is not None
    assert normal_form(text[found.start : found.end]) == normal_form(quote)


@given(RICH, RICH, st.integers(1, 10**9))
def test_what_is_found_stands_there_and_what_is_absent_is_not_found(
    text: str, quote: str, occurrence: int
) -> None:
    found = locate(text, quote, occurrence)
    if found is None:
        return
    assert 0 <= found.start < found.end <= len(text)
    surface = text[found.start : found.end]
    assert normal_form(surface) == normal_form(quote) != ""
    assert (surface == quote) == (found.status is MentionStatus.EXACT)
    assert 1 <= found.occurrence <= occurrence
    assert normal_form(quote) in normal_form(text)


@given(RICH, RICH)
def test_no_match_begins_or_ends_inside_a_character(text: str, quote: str) -> None:
    for start, end in TextIndex(text).spans(quote):
        assert not (unicodedata.combining(text[start]) and start and not text[start - 1].isspace())
        assert end == len(text) or not unicodedata.combining(text[end])


@given(RICH, RICH)
def test_occurrences_are_in_order_and_do_not_overlap(text: str, quote: str) -> None:
    spans = TextIndex(text).spans(quote)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("text", "quote", "surface"),
    [
        ("Die Straße ist naß", "STRASSE", "Straße"),
        ("İstanbul'da", "i\u0307stanbul", "İstanbul"),
        ("Jose\u0301 Nuñez", "José Nun\u0303ez", "Jose\u0301 Nuñez"),
        ("the New\n  York\u00a0Times", "new york times", "New\n  York\u00a0Times"),
        ("“It’s off” – he said", '"It\'s off" - he', "“It’s off” – he"),
        ("1914–1918", "1914-1918", "1914–1918"),
        ("−5 °C", "-5 °C", "−5 °C"),
        ("ΟΔΥΣΣΕΥΣ sailed", "Οδυσσευς", "ΟΔΥΣΣΕΥΣ"),
        ("a 👩🏽‍💻 here", "👩🏽‍💻", "👩🏽‍💻"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("xﬂy", "XFLY", "xﬂy"),
        ("他在北京大学", "北京", "北京"),
    ],
)
def test_the_normal_form_folds_what_writers_vary(text: str, quote: str, surface: str) -> None:
    found = locate(text, quote)
    assert found is not None
    assert text[found.start : found.end] == surface


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Straße", "Stras"),  # half of ß
        ("ﬁne", "ine"),  # half of a ligature
        ("cafe\u0301", "cafe"),  # a letter without its accent
        ("café", "cafe"),
        ("👩‍💻", "👩"),
        ("👩\u200d💻", "💻"),
        ("Paris", ""),
        ("Paris  ", "  "),
        ("", "Paris"),
        ("Paris", "Paris, France"),
        ("co-operate", "cooperate"),
    ],
)
def test_what_does_not_stand_there_is_not_found(text: str, quote: str) -> None:
    assert locate(text, quote) is None


def test_whole_words_count_before_parts_of_words() -> None:
    index = TextIndex("The category of the cat, and a cat.")
    assert index.spans("cat") == [(20, 23), (31, 34)]
    assert index.spans("categ") == [(4, 9)]
    assert TextIndex("北京。他在北京大学").spans("北京") == [(0, 2), (5, 7)]
    assert TextIndex("xa-a-a").spans("a-a") == [(3, 6)]


def test_an_exact_occurrence_wins_over_a_normalised_one() -> None:
    found = locate("PARIS, then Paris", "Paris")
    assert found is not None
    assert (found.start, found.status, found.occurrence) == (12, MentionStatus.EXACT, 1)


def test_an_occurrence_that_does_not_exist_becomes_the_last_one() -> None:
    index = TextIndex("Ann met Bob; Ann left.")
    starts = [(found.start, found.occurrence) for n in (1, 2, 3) if (found := index.locate("Ann", n))]
    assert starts == [(0, 1), (13, 2), (13, 2)]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("a" * 100_000, "a" * 50_000),
        ("a" * 100_000, "a"),
        ("a" * 100_000, "A" * 50_000 + "b"),
        ("-aa" * 33_000, "-aa" * 100 + "-a"),
        ("ß" * 100_000, "s" * 301),
        ("e\u0301" * 50_000, "e" * 20),
        (" " * 100_000, "a  b"),
        ("the cat sat. " * 8_000, "dog"),
    ],
)
def test_long_texts_and_repeated_patterns_take_no_time(text: str, quote: str) -> None:
    began = time.perf_counter()
    locate(text, quote)
    assert time.perf_counter() - began < 2  # a quadratic search takes minutes


PERSON = ClassSpec(
    name="Person",
    fields=(
        FieldSpec(name="span"),
        FieldSpec(name="aliases", type=FieldType(many=True)),
        FieldSpec(name="age", type=FieldType(kind=Kind.INT, optional=True)),
        FieldSpec(name="role", verbatim=False),
    ),
)
MEETING = ClassSpec(
    name="Meeting",
    fields=(
        FieldSpec(name="place"),
        FieldSpec(name="who", type=FieldType(kind=Kind.CLASS, class_name="Person", many=True)),
        FieldSpec(name="chair", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)),
    ),
)
SCHEMA = AnnotationSchema(classes=(PERSON, MEETING))
TEXT = "In Paris, Ann “Annie” Roe (34) met Bob. Ann left Paris; ANN was late."
INDEX = TextIndex(TEXT)


def person(span: str, **values: object) -> Instance:
    return Instance.model_validate({"class_name": "Person", "values": {"span": span, **values}})


def surfaces(instance: Instance) -> list[str | None]:
    return [TEXT[slice(*mention.span)] if mention.span else None for mention in instance.mentions]


def test_grounding_gives_each_verbatim_value_a_mention_in_field_order() -> None:
    given_ = person("ann ", aliases=("annie", "Queen"), age=34, role="guest")
    grounded = ground(given_, SCHEMA, INDEX)
    assert [(m.field, m.quote, m.status) for m in grounded.mentions] == [
        ("span", "ann ", MentionStatus.NORMALISED),
        ("aliases", "annie", MentionStatus.NORMALISED),
        ("aliases", "Queen", MentionStatus.NOT_FOUND),
    ]
    assert grounded.values == {"span": "Ann", "aliases": ("Annie", "Queen"), "age": 34, "role": "guest"}
    assert surfaces(grounded) == ["Ann", "Annie", None]
    assert grounded.mentions[2].start is None
    assert given_.mentions == ()


def test_grounding_reaches_nested_instances() -> None:
    meeting = Instance(
        class_name="Meeting",
        values={"place": "PARIS", "who": (person("bob"), person("Zoe")), "chair": person("Ann")},
    )
    grounded = ground(meeting, SCHEMA, INDEX)
    who = grounded.values["who"]
    assert isinstance(who, tuple)
    assert [item.values["span"] for item in who if isinstance(item, Instance)] == ["Bob", "Zoe"]
    assert [i.anchor.status for i in grounded.walk() if i.anchor] == [
        MentionStatus.NORMALISED,
        MentionStatus.NORMALISED,
        MentionStatus.NOT_FOUND,
        MentionStatus.EXACT,
    ]


def test_grounding_twice_changes_nothing() -> None:
    once = ground_all([person("ann "), person("Ann"), person("Zoe"), person("ANN")], SCHEMA, INDEX)
    assert ground_all(once, SCHEMA, INDEX) == once
    assert [ground(instance, SCHEMA, INDEX) for instance in once] == list(once)


def test_occurrences_can_be_said_by_field_or_by_a_mention() -> None:
    by_field = ground(person("Ann"), SCHEMA, INDEX, {"span": 2})
    hint = person("Ann").model_copy(update={"mentions": (Mention(field="span", quote="Ann", occurrence=2),)})
    assert by_field.mentions[0].span == ground(hint, SCHEMA, INDEX).mentions[0].span == (40, 43)


def test_a_class_that_the_schema_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="no class 'Ship'"):
        ground(Instance(class_name="Ship", values={}), SCHEMA, INDEX)


def test_a_surface_listed_twice_means_two_occurrences() -> None:
    listed = [person("Zoe"), person("Bob"), person("Ann"), person("Ann"), person("Ann")]
    grounded = ground_all(listed, SCHEMA, INDEX)
    assert [m.anchor.span for m in grounded if m.anchor] == [(10, 13), (35, 38), (40, 43), (40, 43), None]
    assert [m.anchor.occurrence for m in grounded if m.anchor] == [1, 1, 2, 2, 1]


def test_an_occurrence_that_the_model_said_is_kept_and_not_given_again() -> None:
    said = person("Ann").model_copy(update={"mentions": (Mention(field="span", quote="Ann", occurrence=2),)})
    grounded = ground_all([said, person("Ann"), person("ann")], SCHEMA, INDEX)
    spans = [m.anchor.span for m in grounded if m.anchor]
    assert spans[:2] == [(10, 13), (40, 43)]
    assert TEXT[slice(*spans[2] or (0, 0))] == "ANN"


def test_only_the_anchor_moves_on_to_the_next_occurrence() -> None:
    meetings = [Instance(class_name="Meeting", values={"place": "Paris", "who": (person("Ann"),)})] * 2
    grounded = ground_all(meetings, SCHEMA, INDEX)
    assert [m.anchor.span for m in grounded if m.anchor] == [(3, 8), (49, 54)]
    shared = ground_all([person("Ann", aliases=("Bob",)), person("Annie", aliases=("Bob",))], SCHEMA, INDEX)
    assert {m.mentions[1].span for m in shared} == {(35, 38)}
    other = ground_all([person("Annie", aliases=("Ann",)), person("Ann")], SCHEMA, INDEX)
    assert [m.anchor.span for m in other if m.anchor] == [(10, 13), (15, 20)]


@given(st.lists(st.sampled_from(["Ann", "ann", "Bob", "Paris", "Zoe", " ", "e"]), max_size=8))
def test_grounded_values_are_the_text_at_their_offsets(quotes: list[str]) -> None:
    grounded = ground_all([person(quote) for quote in quotes], SCHEMA, INDEX)
    assert sorted(m.anchor.quote for m in grounded if m.anchor) == sorted(quotes)
    starts = [m.anchor.start for m in grounded if m.anchor]
    found = [start for start in starts if start is not None]
    assert found == sorted(found)
    assert starts == found + [None] * (len(starts) - len(found))
    for instance, surface in ((i, surfaces(i)[0]) for i in grounded):
        assert surface is None or surface == instance.values["span"]
