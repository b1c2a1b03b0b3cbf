"""What reaches a terminal is text, whatever a document or a model wrote."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from guidex.cli.console import console, print_json, safe

any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)


@given(any_text)
def test_safe_text_holds_no_character_that_commands_a_terminal(text: str) -> None:
    shown = safe(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp", "Co", "Cn")]
    assert not [c for c in shown if unicodedata.category(c) == "Cf" and c not in "\u200c\u200d"]


@given(any_text)
def test_laid_out_text_keeps_line_feeds_and_tabs_and_nothing_else(text: str) -> None:
    shown = safe(text, lines=True)
    assert shown.count("\n") == text.count("\n")
    assert not {unicodedata.category(c) for c in shown if c not in "\n\t"} & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "Zürich \u4eca\u5929",
        "\u0645\u0631\u062d\u0628\u0627",
        "\U0001f469\u200d\U0001f467",
        "a\u00a0b",
    ],
)
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b", "a\\u2066b"),
        ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud83d", "half \\ud83d"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_controls_are_shown_as_escapes(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_consoles_interpret_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(box=None)
    table.add_column("[bold]head")
    table.add_row("[red]cell[/red] :smile:")
    out = console()
    out.print("[link=http://evil.test]text[/link]", table, Text("[blink]x"))
    printed = capsys.readouterr().out
    for part in ("[link=http://evil.test]text[/link]", "[bold]head", "[red]cell[/red] :smile:", "[blink]x"):
        assert part in printed


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"id": "a\x1b\x9b\u202e\ud83d\u00e9"}
    print_json(value)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed) == value
