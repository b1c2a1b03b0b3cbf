"""`guidex runs compare`: two real runs side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command, mixed, write_documents
from servers.scripted import ScriptedServer, agreeable

Servers = Callable[..., ScriptedServer]


@pytest.fixture
def runs(guidex: Command, documents: Path, scripted_server: Servers) -> None:
    """`good`, which accepts all four documents, and `bad`, which does so with two of them."""
    for name, script in (("good", agreeable), ("bad", mixed)):
        url = scripted_server(script).openai_url
        options = ("--model", "openai/test", "--base-url", url, "--name", name)
        guidex("run", "--documents", documents, *options)


def figures(comparison: Any) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in comparison["figures"]}


@pytest.mark.usefixtures("runs")
def test_the_figures_are_those_of_each_run(guidex: Command) -> None:
    found = figures(guidex("runs", "compare", "good", "bad", "--json").json)
    for side, run in (("first", "good"), ("second", "bad")):
        summary = guidex("runs", "show", run, "--json").json
        for name in ("calls", "attempts", "input_tokens", "cached_tokens", "output_tokens", "cost"):
            assert found[name][side] == summary[name], name
        for state in ("accepted", "rejected", "failed", "skipped", "pending"):
            assert found[state][side] == summary["documents"][state]
        means = {each["name"]: each["mean"] for each in summary["agreement"]}
        assert found["agreement"][side] == means["agreement"]
    assert (found["accepted"]["first"], found["accepted"]["second"]) == (4, 2)
    assert found["accepted"]["difference"] == -2 and found["yield"]["difference"] == -0.5


@pytest.mark.usefixtures("runs")
def test_documents_that_ended_differently_are_named_with_both_ends(guidex: Command) -> None:
    documents = guidex("runs", "compare", "good", "bad", "--json").json["documents"]
    ends = {each["id"]: (each["first"], each["second"]) for each in documents["differing"]}
    assert ends == {"curie": ("accepted", "rejected"), "darwin": ("accepted", "failed")}
    assert documents["both"] == sum(pair["documents"] for pair in documents["outcomes"]) == 4
    shown = guidex("runs", "compare", "good", "bad").out
    assert "2 documents ended differently" in shown and "curie" in shown and "+2" not in shown


@pytest.mark.usefixtures("runs")
def test_mentions_are_compared_where_both_accepted(guidex: Command) -> None:
    found = guidex("runs", "compare", "good", "bad", "--json").json
    assert found["mentions"]["documents"] == 2
    assert found["mentions"]["agreement"] == 1 and found["mentions"]["only_second"] == 0
    assert found["mentions"]["both"] == sum(each["both"] for each in found["classes"]) > 0
    assert not any("f1" in key or "precision" in key for key in found)  # nothing is said without gold


@pytest.mark.usefixtures("runs")
def test_settings_that_differ_are_named_and_those_without_effect_are_not(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    url = scripted_server(agreeable).openai_url
    options = ("--model", "openai/test", "--base-url", url, "--name", "other", "--rounds", "1")
    assert guidex("run", "--documents", documents, "--max-connections", "2", *options).code == 0
    settings = guidex("runs", "compare", "good", "other", "--json").json["settings"]
    found = {each["key"]: (each["first"], each["second"]) for each in settings}
    assert found["rounds"] == (3, 1)
    assert set(found) == {"rounds", "model.base_url"}
    assert "rounds" in guidex("runs", "compare", "good", "other").out


def test_a_text_that_changed_under_its_id_is_not_the_same_document(
    guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    url = scripted_server(agreeable).openai_url
    options = ("--model", "openai/test", "--base-url", url)
    changed = write_documents(
        tmp_path / "changed.jsonl",
        {"ada": "Babbage drew the Analytical Engine in London.", "new": "Turing ran near Cambridge."},
    )
    assert guidex("run", "--documents", documents, *options, "--name", "old").code == 0
    assert guidex("run", "--documents", changed, *options, "--name", "new").code == 0
    told = guidex("runs", "compare", "old", "new", "--json").json["documents"]
    assert (told["both"], told["other_text"], told["only_first"], told["only_second"]) == (0, 1, 3, 1)
    shown = guidex("runs", "compare", "old", "new").out
    assert "0 documents in both; 3 in A alone; 1 in B alone; 1 of the same id with another text" in shown


@pytest.mark.usefixtures("runs")
def test_a_run_is_not_compared_with_itself_nor_with_none(guidex: Command) -> None:
    same = guidex("runs", "compare", "good", "runs/good")
    assert same.code == 2 and "cannot be compared with itself" in same.err and "Traceback" not in same.err
    none = guidex("runs", "compare", "good", "nothing")
    assert none.code == 2 and "There is no run `nothing`" in none.err
    assert guidex("runs", "compare", "good").code == 2
