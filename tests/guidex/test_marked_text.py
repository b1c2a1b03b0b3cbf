"""A document's text keeps every character when mentions are marked in it, and every mention is told."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from guidex.cli.marked_text import marked_text
from schemas.annotation import Annotation, Instance, Mention, MentionStatus

TEXT = "abcdefghijklmnopqrst"


def mentions(text: str, spans: list[tuple[int, int, str]]) -> Annotation:
    return Annotation(
        document_id="d",
        annotator="agreed",
        instances=tuple(
            Instance(
                class_name=name,
                values={"span": text[start:end]},
                mentions=(
                    Mention(
                        field="span", quote=text[start:end], start=start, end=end, status=MentionStatus.EXACT
                    ),
                ),
            )
            for start, end, name in spans
        ),
    )


def marked(text: str, *spans: tuple[int, int, str]) -> str:
    return marked_text(text, mentions(text, list(spans))).plain


def test_mentions_are_marked_where_they_stand() -> None:
    assert marked(TEXT) == marked_text(TEXT, None).plain == TEXT
    assert marked("Ada met Bell.", (8, 12, "B"), (0, 3, "A")) == "[Ada|A] met [Bell|B]."
    assert marked("abcd", (0, 4, "Out"), (0, 2, "In"), (2, 4, "In")) == "[[ab|In][cd|In]|Out]"
    assert marked("abcd", (1, 3, "A"), (1, 3, "B"), (1, 3, "A")) == "a[bc|A, B]d"
    assert marked("abcd", (0, 3, "A"), (2, 4, "B")) == "[abc|A]d\nalso 2-4 cd|B"


def test_what_is_beyond_the_shown_part_of_a_long_text_is_told_below_it() -> None:
    text = "x" * 3990 + "Across the end" + "y" * 1000
    told = marked(text, (3990, 4004, "A"), (4500, 4503, "B"))
    assert told.endswith("x[Across the end|A]\n... 1,000 more characters\nalso 4500-4503 yyy|B")


@given(
    st.lists(
        st.tuples(st.integers(0, 18), st.integers(1, 6), st.sampled_from("XYZ")).map(
            lambda drawn: (drawn[0], min(20, drawn[0] + drawn[1]), drawn[2])
        ),
        max_size=8,
    )
)
def test_no_character_and_no_mention_is_lost(spans: list[tuple[int, int, str]]) -> None:
    told = marked(TEXT, *spans)
    body, *below = told.split("\n")
    assert re.sub(r"\[|\|[XYZ, ]+\]", "", body) == TEXT
    found: set[tuple[int, int, str]] = set()
    begun: list[int] = []
    at = 0
    for token in re.findall(r"\[|\|[XYZ, ]+\]|[a-t]", body):
        if token == "[":
            begun.append(at)
        elif token.startswith("|"):
            start = begun.pop()
            found |= {(start, at, name) for name in token[1:-1].split(", ")}
        else:
            at += 1
    for line in below:
        place, names = line.removeprefix("also ").split(" ", 1)[0], line.rsplit("|", 1)[1]
        start, end = map(int, place.split("-"))
        found |= {(start, end, name) for name in names.split(", ")}
    assert found == set(spans) and not begun
