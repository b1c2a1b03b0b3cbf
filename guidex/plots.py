"""Charts as SVG: pure functions from numbers to text.

Colours come from classes that a style sheet gives looks to (`LOOKS`), never from `style` attributes, which
the viewer's Content-Security-Policy forbids. Series differ by dashes and markers as well, bars by what is
written beside them, so that nothing depends on colour. All text is escaped.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

LOOKS = """
.plot { font: 12px system-ui, sans-serif; color: inherit; }
.plot text { fill: currentColor; }
.plot .plot-title { font-weight: 600; font-size: 14px; }
.plot .plot-axis { stroke: currentColor; }
.plot .plot-grid { stroke: currentColor; opacity: 0.15; }
.plot .plot-rule { stroke: currentColor; stroke-dasharray: 3 3; }
.plot .plot-bar { fill: var(--plot-1); }
.plot .plot-line { stroke-width: 2; }
.plot-line.plot-series-0 { stroke: var(--plot-1); } .plot-fill.plot-series-0 { fill: var(--plot-1); }
.plot-line.plot-series-1 { stroke: var(--plot-2); } .plot-fill.plot-series-1 { fill: var(--plot-2); }
.plot-line.plot-series-2 { stroke: var(--plot-3); } .plot-fill.plot-series-2 { fill: var(--plot-3); }
.plot-line.plot-series-3 { stroke: var(--plot-4); } .plot-fill.plot-series-3 { fill: var(--plot-4); }
.plot .plot-band { opacity: 0.15; }
"""
"""Looks of the classes, for a style sheet that gives the colours as `--plot-1` to `--plot-4`."""

_STANDALONE = f"""{LOOKS}
.plot {{ color: #1f2328; --plot-1: #0b5cad; --plot-2: #b3470b; --plot-3: #23703a; --plot-4: #7a3fa0; }}
.plot-paper {{ fill: #ffffff; }}
@media (prefers-color-scheme: dark) {{
  .plot {{ color: #e6edf3; --plot-1: #6cb2ff; --plot-2: #ffa657; --plot-3: #7ee787; --plot-4: #d2a8ff; }}
  .plot-paper {{ fill: #0d1117; }}
}}
"""
"""The same with colours that follow light and dark, for a chart in a file of its own."""
_SERIES = 4
"""Looks there are; more series than that begin with the first one again."""
_DASHES = ("", "7 4", "2 3", "9 3 2 3")
_MARKERS = 12
"""Most markers on a line."""
_TICKS = 5
_LABEL = 24
"""Longest label of a bar, in characters; the whole of it is in the bar's tooltip."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 34, 44
_LEGEND = 18
"""Height of a line of the legend."""
_BAR = 22
_CHARACTER = 7
"""Width of a character, about."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes:
        label: What it measures, with its unit.
        low: Where it begins; None: with the least value.
        high: Where it ends; None: with the greatest value.
        percent: Whether the values are shares, to be shown in percent.
    """

    label: str
    low: float | None = None
    high: float | None = None
    percent: bool = False

    def shown(self, value: float) -> str:
        """A value as it is written beside the axis."""
        return f"{100 * value:.4g}%" if self.percent else f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"


@dataclass(frozen=True, slots=True)
class Series:
    """A line.

    Attributes:
        name: For the legend.
        points: (x, y), in the order in which they are joined.
        band: (x, low, high): an interval around the line.
    """

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the chart, such as a threshold in force.

    Attributes:
        label: What it is.
        x: Where it stands, for an upright one.
        y: The same for a level one; one of the two is given.
    """

    label: str
    x: float | None = None
    y: float | None = None


def line_chart(
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    *,
    title: str,
    description: str = "",
    rules: Sequence[Rule] = (),
    width: int = 640,
    height: int = 320,
    standalone: bool = False,
) -> str:
    """Lines over numbers.

    Args:
        series: The lines; each with a look of its own up to four.
        x: Axis from left to right.
        y: Axis from bottom to top.
        title: Shown, and read by screen readers.
        description: What is to be seen, for those who do not see it.
        rules: Lines across.
        width: In user units, as is all that is drawn; the chart grows with the page.
        height: The same.
        standalone: A file of its own: with its size, a background and the style sheet in it.
    """
    xs = [at for one in series for at, _ in one.points] + [rule.x for rule in rules if rule.x is not None]
    ys = [at for one in series for _, at in one.points] + [rule.y for rule in rules if rule.y is not None]
    ys += [end for one in series for _, *ends in one.band for end in ends]
    names = [one.name for one in series if one.name]
    frame = _Frame(x, y, xs, ys, width, height, len(names) if len(names) > 1 else 0)
    parts = [*frame.grid(), *(frame.rule(rule, number) for number, rule in enumerate(rules))]
    for number, one in enumerate(series):
        parts += frame.line(number % _SERIES, one)
    if len(names) > 1:
        parts += frame.legend(names)
    return _svg(parts, title, description, width, height, standalone=standalone)


def histogram(
    counts: Sequence[float],
    edges: Sequence[float],
    x: Axis,
    y: Axis,
    *,
    title: str,
    description: str = "",
    rules: Sequence[Rule] = (),
    width: int = 640,
    height: int = 240,
    standalone: bool = False,
) -> str:
    """Upright bars over ranges of numbers.

    Args:
        counts: Of each range.
        edges: Where the ranges begin, and where the last one ends: one more than counts.
        x: Axis of the edges.
        y: Axis of the counts; begins with 0.
        title: See `line_chart`, as for all that follows.
        description: See there.
        rules: See there.
        width: See there.
        height: See there.
        standalone: See there.
    """
    xs = [*edges, *(rule.x for rule in rules if rule.x is not None)]
    frame = _Frame(x, y, xs, [0, *counts], width, height, 0)
    bars = []
    for count, start, end in zip(counts, edges, edges[1:], strict=False):
        left, right, top, floor = frame.x(start), frame.x(end), frame.y(count), frame.y(0)
        told = f"{x.shown(start)} to {x.shown(end)}: {y.shown(count)}"
        size = f'width="{max(0.5, right - left - 2):.1f}" height="{max(0.0, floor - top):.1f}"'
        bars.append(f'<rect class="plot-bar" x="{left + 1:.1f}" y="{top:.1f}" {size}>{_tooltip(told)}</rect>')
    parts = [*frame.grid(), *bars, *(frame.rule(rule, number) for number, rule in enumerate(rules))]
    return _svg(parts, title, description, width, height, standalone=standalone)


def bar_chart(
    bars: Sequence[tuple[str, float | None]],
    x: Axis,
    *,
    intervals: Sequence[tuple[float, float] | None] = (),
    title: str,
    description: str = "",
    width: int = 640,
    standalone: bool = False,
) -> str:
    """Level bars, one below the other, each with its label and its value.

    Args:
        bars: (label, value), from the top; no value is negative. Without a value it heads those below it.
        x: What the values are.
        intervals: (low, high) around each value, in the same order; none where there are none.
        title: See `line_chart`, as for all that follows.
        description: See there.
        width: See there; the height follows from the number of bars.
        standalone: See there.
    """
    longest = max((min(len(label), _LABEL) for label, _ in bars), default=0)
    left = min(width // 2, 12 + longest * _CHARACTER)
    around = [*intervals, *[None] * (len(bars) - len(intervals))]
    most = max([value for _, value in bars if value] + [end[1] for end in around if end], default=0) or 1
    room = (width - left - _RIGHT - (20 if any(around) else 10) * _CHARACTER) / most
    parts = []
    for number, ((label, value), ends) in enumerate(zip(bars, around, strict=True)):
        top = _TOP + number * _BAR
        parts.append(_label(left - 6, top + 14, label if len(label) <= _LABEL else f"{label[:23]}…", "end"))
        if value is None:
            continue
        shown = x.shown(value) + (f" ({x.shown(ends[0])} to {x.shown(ends[1])})" if ends else "")
        told, length = _tooltip(f"{label}: {shown}"), room * max(0.0, value)
        light = ' fill-opacity="0.6"' if ends else ""  # so that the interval is seen on it
        parts.append(
            f'<rect class="plot-bar"{light} x="{left}" y="{top + 2}" width="{length:.1f}" '
            f'height="{_BAR - 6}">{told}</rect>'
        )
        if ends:
            low, length = left + room * max(0.0, ends[0]), max(length, room * ends[1])
            way = f"M{low:.1f} {top + 6}v8m0 -4H{left + room * ends[1]:.1f}m0 -4v8"
            parts.append(f'<path class="plot-axis plot-interval" fill="none" d="{way}"/>')
        parts.append(_label(left + length + 6, top + 14, shown))
    height = _TOP + len(bars) * _BAR + _LEGEND
    parts.append(_label(left, height - 4, x.label))
    return _svg(parts, title, description, width, height, standalone=standalone)


class _Frame:
    """The axes of a chart, and where on the paper a value stands."""

    def __init__(
        self,
        x: Axis,
        y: Axis,
        xs: Sequence[float],
        ys: Sequence[float],
        width: int,
        height: int,
        legend: int,
    ) -> None:
        self._x, self._y = x, y
        self._x_range, self._y_range = _range(x, xs), _range(y, ys)
        self._left, self._right = _LEFT, width - _RIGHT
        self._top, self._floor = _TOP + legend * _LEGEND, height - _BOTTOM

    def x(self, value: float) -> float:
        low, high = self._x_range
        return self._left + (self._right - self._left) * _within((value - low) / (high - low))

    def y(self, value: float) -> float:
        low, high = self._y_range
        return self._floor - (self._floor - self._top) * _within((value - low) / (high - low))

    def grid(self) -> Iterator[str]:
        """Axes, their ticks and labels."""
        left, right, top, floor = self._left, self._right, self._top, self._floor
        for tick in _ticks(*self._y_range):
            at = self.y(tick)
            yield f'<line class="plot-grid" x1="{left}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}"/>'
            yield _label(left - 6, at + 4, self._y.shown(tick), "end")
        for tick in _ticks(*self._x_range):
            at = self.x(tick)
            yield f'<line class="plot-axis" x1="{at:.1f}" y1="{floor}" x2="{at:.1f}" y2="{floor + 4}"/>'
            yield _label(at, floor + 17, self._x.shown(tick), "middle")
        yield f'<path class="plot-axis" fill="none" d="M{left} {top}V{floor}H{right}"/>'
        yield _label((left + right) / 2, floor + 36, self._x.label, "middle")
        middle = (top + floor) / 2
        yield (
            f'<text x="12" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})">'
            f"{_text(self._y.label)}</text>"
        )

    def rule(self, rule: Rule, number: int) -> str:
        """A line across, labelled at its upper or right end; upright ones one below the other."""
        if rule.x is not None:
            at, is_right = self.x(rule.x), self.x(rule.x) > (self._left + self._right) / 2
            beside, anchor = (at - 4, "end") if is_right else (at + 4, "start")
            label = _label(beside, self._top + 11 + number * _LEGEND, rule.label, anchor)
            line = f'x1="{at:.1f}" y1="{self._top}" x2="{at:.1f}" y2="{self._floor}"'
        else:
            at = self.y(rule.y or 0.0)
            label = _label(self._right - 4, at - 4, rule.label, "end")
            line = f'x1="{self._left}" y1="{at:.1f}" x2="{self._right}" y2="{at:.1f}"'
        return f'<line class="plot-rule" {line}/>{label}'

    def line(self, number: int, series: Series) -> Iterator[str]:
        """A series: its band, its line and some markers that tell their values."""
        if series.band:
            upper = [f"{self.x(at):.1f} {self.y(high):.1f}" for at, _, high in series.band]
            lower = [f"{self.x(at):.1f} {self.y(low):.1f}" for at, low, _ in reversed(series.band)]
            yield (
                f'<path class="plot-band plot-fill plot-series-{number}" stroke="none" '
                f'd="M{"L".join(upper + lower)}Z"/>'
            )
        if not series.points:
            return
        places = [(self.x(at), self.y(value)) for at, value in series.points]
        way = f"M{places[0][0]:.1f} {places[0][1]:.1f}"
        for across, up in places[1:]:
            way += f"L{across:.1f} {up:.1f}"
        dashes = f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""
        yield f'<path class="plot-line plot-series-{number}" fill="none"{dashes} d="{way}"/>'
        apart = max(1, math.ceil(len(places) / _MARKERS))
        for (across, up), (at, value) in list(zip(places, series.points, strict=True))[::apart]:
            told = f"{series.name}: " if series.name else ""
            yield _marker(number, across, up, f"{told}{self._y.shown(value)} at {self._x.shown(at)}")

    def legend(self, names: Sequence[str]) -> Iterator[str]:
        """The names of the series above the chart, each with its look."""
        for number, name in enumerate(names):
            look, at = number % _SERIES, _TOP + number * _LEGEND
            dashes = f' stroke-dasharray="{_DASHES[look]}"' if _DASHES[look] else ""
            yield (
                f'<line class="plot-line plot-series-{look}" x1="{self._left}" y1="{at}" '
                f'x2="{self._left + 32}" y2="{at}"{dashes}/>'
            )
            yield _marker(look, self._left + 16, at, name)
            yield _label(self._left + 40, at + 4, name)


def _marker(number: int, x: float, y: float, told: str) -> str:
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"',
        f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"',
        f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z"',
        f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"',
    )[number]
    end = shape[1 : shape.index(" ")]
    return f'{shape} class="plot-marker plot-fill plot-series-{number}">{_tooltip(told)}</{end}>'


def _svg(
    parts: Sequence[str], title: str, description: str, width: int, height: int, *, standalone: bool
) -> str:
    # Charts of one page need ids of their own.
    content = "\n".join([title, description, *parts]).encode("utf-8", "replace")
    name = f"plot-{zlib.crc32(content):08x}"
    size = f' width="{width}" height="{height}"' if standalone else ""
    ids = f"{name}-title {name}-desc" if description else f"{name}-title"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {width} {height}"{size} '
        f'role="img" aria-labelledby="{ids}">',
        f'<title id="{name}-title">{_text(title)}</title>',
    ]
    if description:
        head.append(f'<desc id="{name}-desc">{_text(description)}</desc>')
    if standalone:
        head.append(f"<style>{_STANDALONE}</style>")
        head.append(f'<rect class="plot-paper" width="{width}" height="{height}"/>')
    head.append(f'<text class="plot-title" x="{_RIGHT}" y="20">{_text(title)}</text>')
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def _label(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _tooltip(text: str) -> str:
    return f"<title>{_text(text)}</title>"


def _text(text: str) -> str:
    """Escaped, and without the characters that XML does not have and those that turn the direction."""
    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))


def _range(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    """Where an axis begins and ends: as it says, or with its values; never at one place."""
    low = axis.low if axis.low is not None else min(values, default=0.0)
    high = axis.high if axis.high is not None else max(values, default=1.0)
    return (low, high) if high > low else (low, low + 1)


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round numbers from low to high, about five."""
    step = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    step *= next((factor for factor in (1, 2, 5) if (high - low) / (step * factor) <= _TICKS), 10)
    first = math.ceil(low / step - 1e-9)
    yield from (number * step for number in range(first, math.floor(high / step + 1e-9) + 1))
