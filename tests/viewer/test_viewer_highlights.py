"""A text with highlights is laid out as marks that nest, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guidex.viewer.highlights import Closing, Highlight, Opening, lay_out

TEXT = "Ada Lovelace met Charles Babbage."

spans = st.lists(st.tuples(st.integers(-2, 45), st.integers(-2, 45)), max_size=8).map(
    lambda made: [Highlight(start, end, number) for number, (start, end) in enumerate(made)]
)


def inside(text: str, highlights: list[Highlight[int]]) -> list[Highlight[int]]:
    return [each for each in highlights if 0 <= each.start < each.end <= len(text)]


@given(text=st.text(max_size=40), highlights=spans)
def test_the_pieces_are_the_text_and_each_mark_covers_its_span(
    text: str, highlights: list[Highlight[int]]
) -> None:
    pieces = lay_out(text, highlights)
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == text
    opened: list[int] = []
    covered: dict[int, set[int]] = {each.about: set() for each in inside(text, highlights)}
    at = 0
    for piece in pieces:
        if isinstance(piece, Opening):
            opened.append(piece.about)
        elif isinstance(piece, Closing):
            assert opened.pop() == piece.about, "marks nest"
        else:
            for about in opened:
                covered[about] |= set(range(at, at + len(piece)))
            at += len(piece)
    assert opened == []
    assert covered == {each.about: set(range(each.start, each.end)) for each in inside(text, highlights)}


@given(text=st.text(min_size=1, max_size=40), highlights=spans)
def test_each_highlight_begins_once_and_ends_once(text: str, highlights: list[Highlight[int]]) -> None:
    pieces = lay_out(text, highlights)
    known = sorted(each.about for each in inside(text, highlights))
    assert sorted(each.about for each in pieces if isinstance(each, Opening) and each.first) == known
    assert sorted(each.about for each in pieces if isinstance(each, Closing) and each.last) == known


@given(text=st.text(min_size=1, max_size=40), highlights=spans)
def test_only_what_is_cut_across_is_in_several_marks(text: str, highlights: list[Highlight[int]]) -> None:
    apart = inside(text, highlights)
    crossing = {
        one.about
        for one in apart
        for other in apart
        if other.start < one.start < other.end < one.end or one.start < other.start < one.end < other.end
    }
    again = {each.about for each in lay_out(text, highlights) if isinstance(each, Opening) and not each.first}
    assert again <= crossing


def test_the_longer_one_is_outside() -> None:
    pieces = lay_out(TEXT, [Highlight(4, 12, "name"), Highlight(0, 12, "whole"), Highlight(0, 12, "second")])
    assert pieces == (
        Opening("whole", first=True),
        Opening("second", first=True),
        "Ada ",
        Opening("name", first=True),
        "Lovelace",
        Closing("name", last=True),
        Closing("second", last=True),
        Closing("whole", last=True),
        " met Charles Babbage.",
    )


def test_what_overlaps_goes_on_behind_the_other_ones_end() -> None:
    pieces = lay_out("abcdef", [Highlight(0, 4, "left"), Highlight(2, 6, "right")])
    assert pieces == (
        Opening("left", first=True),
        "ab",
        Opening("right", first=True),
        "cd",
        Closing("right", last=False),
        Closing("left", last=True),
        Opening("right", first=False),
        "ef",
        Closing("right", last=True),
    )
