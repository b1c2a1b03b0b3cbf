"""Charts are well-formed SVG that a strict Content-Security-Policy lets through, and say what they show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidex.plots import Axis, Rule, Series, bar_chart, histogram, line_chart

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</text><script>alert(1)</script>" onload="x" &amp; \x1b[31m\u202e\ud800'
shares = st.floats(0, 1)


def parsed(svg: str) -> ElementTree.Element:
    """The chart as XML; what a browser would run or refuse is nowhere in it."""
    root = ElementTree.fromstring(svg.encode())
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    for element in root.iter():
        assert element.tag.removeprefix(SVG) not in {"script", "foreignObject", "image", "a"}
        assert not any(name == "style" or name.startswith("on") for name in element.attrib)
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def charts(label: str, *, standalone: bool = False) -> list[str]:
    one = Series(label, [(0.0, 0.2), (1.0, 0.9)], [(0.0, 0.1, 0.3), (1.0, 0.8, 1.0)])
    axis = Axis(label, 0, 1, percent=True)
    return [
        line_chart([one, one], axis, axis, title=label, description=label, rules=[Rule(label, x=0.5)]),
        histogram([1, 2], [0, 0.5, 1], axis, Axis(label), title=label, rules=[Rule(label, y=1)]),
        bar_chart([(label, 3.0)], Axis(label), title=label, standalone=standalone),
    ]


@pytest.mark.parametrize("number", range(3))
def test_what_a_model_or_document_wrote_stays_text(number: int) -> None:
    chart = charts(HOSTILE)[number]
    root = parsed(chart)
    assert "<script" not in chart and "\x1b" not in chart and "\u202e" not in chart
    assert any(text.startswith("</text><script>") for text in texts(root))


def test_a_chart_of_a_page_has_no_style_and_a_file_has_its_own() -> None:
    assert all(parsed(chart).find(f"{SVG}style") is None for chart in charts("plain"))
    alone = parsed(charts("plain", standalone=True)[2])
    assert alone.find(f"{SVG}style") is not None and alone.get("width") == "640"


def test_title_and_description_are_named_for_screen_readers_and_ids_differ_between_charts() -> None:
    roots = [parsed(chart) for chart in charts("agreement")]
    ids = [(root.get("aria-labelledby") or "").split() for root in roots]
    assert len({each for group in ids for each in group}) == 2 + 1 + 1
    for root, group in zip(roots, ids, strict=True):
        assert {element.get("id") for element in root if element.tag != f"{SVG}text"} >= set(group)


def test_series_are_told_apart_by_dashes_and_markers() -> None:
    points = [(0.0, 0.0), (1.0, 1.0)]
    root = parsed(
        line_chart([Series(str(n), points) for n in range(5)], Axis("x"), Axis("y"), title="Five of four")
    )
    lines = [line for line in root.iter(f"{SVG}path") if "plot-line" in (line.get("class") or "")]
    dashes = [line.get("stroke-dasharray") for line in lines]
    assert len(set(dashes[:4])) == 4 and dashes[4] == dashes[0]
    shapes = {
        (mark.tag, re.sub(r"[\d.]+", "", mark.get("d") or ""))
        for mark in root.iter()
        if "plot-marker" in (mark.get("class") or "")
    }
    assert len(shapes) == 4
    assert {"0", "1", "2", "3", "4"} <= set(texts(root))


def test_markers_and_bars_tell_their_values() -> None:
    line, upright, level = charts("F1")
    assert "<title>F1: 90% at 100%</title>" in line
    assert "<title>50% to 100%: 2</title>" in upright
    assert "<title>F1: 3</title>" in level and "3" in texts(parsed(level))


@given(st.lists(st.tuples(shares, st.floats(-1e9, 1e9)), max_size=30), st.floats(-2, 2))
def test_any_numbers_are_drawn_within_the_paper(points: list[tuple[float, float]], rule: float) -> None:
    chart = line_chart(
        [Series("", sorted(points))], Axis("x", 0, 1), Axis("y"), title="any", rules=[Rule("here", x=rule)]
    )
    root = parsed(chart)
    for line in root.iter(f"{SVG}line"):
        assert all(0 <= float(line.get(name) or "") <= 640 for name in ("x1", "x2"))
        assert all(0 <= float(line.get(name) or "") <= 320 for name in ("y1", "y2"))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12))
def test_bars_are_as_long_as_their_values(values: list[float]) -> None:
    root = parsed(bar_chart([(str(n), value) for n, value in enumerate(values)], Axis("n"), title="bars"))
    lengths = [float(bar.get("width") or "") for bar in root.iter(f"{SVG}rect")]
    for value, length in zip(values, lengths, strict=True):
        assert length == pytest.approx(max(lengths) * value / (max(values) or 1), abs=0.11)


def test_a_bar_with_an_interval_shows_and_tells_it_and_a_heading_has_no_bar() -> None:
    root = parsed(
        bar_chart(
            [("both", None), ("one", 0.25), ("two", 0.5)],
            Axis("F1", percent=True),
            intervals=[None, (0.125, 0.375), (0.5, 0.5)],
            title="bars",
        )
    )
    bars = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "plot-bar"]
    told = [each.findtext(f"{SVG}title") for each in bars]
    assert told == ["one: 25% (12.5% to 37.5%)", "two: 50% (50% to 50%)"]
    whisker, _ = (each.get("d") or "" for each in root.iter(f"{SVG}path"))
    start, end = (float(each) for each in re.findall(r"[MH]([\d.]+)", whisker))
    left, length = float(bars[0].get("x") or 0), float(bars[0].get("width") or 0)
    assert start == pytest.approx(left + length / 2, abs=0.2)
    assert end == pytest.approx(left + 1.5 * length, abs=0.2)
    assert "both" in texts(root)
