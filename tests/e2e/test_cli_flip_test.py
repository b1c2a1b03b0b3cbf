"""`guidex critic flip-test`: from gold or a run, the report in words and as JSON, gone on with for free."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import Call, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]

GOLD = "Ada\tB-person\nLovelace\tI-person\nwrote\tO\nabout\tO\nengines\tO\nin\tO\nLondon\tB-place\n"


def reserved(call: Call) -> Turn:
    """A critic who takes common words for no mentions, and London as well."""
    answer = agreeable(call)
    if isinstance(answer, dict):
        quotes = re.findall(r'^\d+\. "([^"]*)"', call.prompt.rsplit("</document", 1)[-1], re.MULTILINE)
        for verdict, quote in zip(answer.get("verdicts", []), quotes, strict=False):
            if quote.islower() or quote == "London":
                verdict["verdict"] = "spurious"
    return answer


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "letters.conll"
    path.write_text(GOLD)
    return path


def test_the_report_says_what_was_found_and_costs_nothing_again(
    guidex: Command, gold: Path, scripted_server: Servers
) -> None:
    server = scripted_server(reserved)
    flags = ("--gold", gold, "--model", "openai/test", "--base-url", server.openai_url)
    done = guidex("critic", "flip-test", *flags)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert any(line.startswith("DUPLICATE code 1 of 1 100% 21%-100%") for line in lines)
    assert any(line.startswith("False alarms: 1 of 2 untouched mentions objected to, 50%") for line in lines)
    sent = len(server.calls)
    report = guidex("critic", "flip-test", *flags, "--json").json
    assert len(server.calls) == sent
    assert report["documents"] == 1 and report["decided_by_code"]["value"] == 1
    by_code = {one["code"]: one for one in report["codes"]}
    assert by_code["SPURIOUS"]["found"]["hits"] == 1
    assert guidex("runs", "list").out.count("flip-test-letters") == 1


def test_what_a_run_has_accepted_can_be_flipped(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    model = ("--model", "openai/test", "--base-url", server.openai_url)
    guidex("run", "--documents", documents, *model, "--limit", 2)
    report = guidex("critic", "flip-test", "--run", "people", *model, "--seed", 3, "--json").json
    assert report["seed"] == 3 and report["documents"] == 2
    assert report["false_alarms"]["hits"] == 0 and report["decided_by_code"]["value"] == 1


@pytest.mark.parametrize("flags", [(), ("--gold", "x.conll", "--run", "people")])
def test_it_wants_annotations_from_one_place(guidex: Command, flags: tuple[str, ...]) -> None:
    done = guidex("critic", "flip-test", *flags)
    assert done.code == 2
    assert "Give --gold or --run." in done.err
