"""The story of a document: complete, readable at 100 columns, and safe to print."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, Done, mixed, write_documents
from servers.scripted import Call, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]

HOSTILE = (
    "Escape \x1b[31mred\x1b[0m and \x9b2Jclear, bell \x07 and nul \x00 here.\n"
    "Overturned \u202edetrevni\u202c and \u2066isolated\u2069 words, line\u2028separator.\n"
    "Markup [bold red]shouting[/bold red] [link=http://evil.test]click[/link] [/] :boom:\n"
    "Return \roverwrites, tags \U000e0041\U000e0042, zero\u200bwidth, hyperlink \x1b]8;;http://evil.test\x07go\x1b]8;;\x07."
)
HOSTILE_ID = "id [bold] :boom:"
REFUSED_ID = "id\x1b[2J"


@pytest.fixture
def people(guidex: Command, documents: Path, scripted_server: Servers) -> Done:
    flags = ("--model", "openai/test", "--base-url", scripted_server(mixed).openai_url, "--rounds", 2)
    return guidex("run", "--documents", documents, *flags)


@pytest.mark.usefixtures("people")
def test_documents_are_listed_with_scores_and_reasons(guidex: Command) -> None:
    lines = guidex("trace", "show", "people").out.splitlines()
    by_id = {line.split()[0]: line for line in lines}
    assert " ".join(by_id["ada"].split()) == "ada accepted 1 1.00 1.00 1.00 agreed in round 1"
    assert "rejected" in by_id["curie"] and "0.00" in by_id["curie"]
    assert "failed" in by_id["darwin"] and " - " in by_id["darwin"]
    rows = guidex("trace", "show", "people", "--json").json
    assert [(row["id"], row["outcome"]) for row in rows] == [
        ("ada", "accepted"),
        ("bell", "accepted"),
        ("curie", "rejected"),
        ("darwin", "failed"),
    ]
    assert rows[2]["scores"]["faithfulness"] == 0
    assert rows[3]["scores"] is None


@pytest.mark.usefixtures("people")
def test_pages_and_outcomes(guidex: Command) -> None:
    paged = guidex("trace", "show", "people", "--limit", 2, "--offset", 1)
    assert "2 to 3 of 4" in paged.out
    accepted = guidex("trace", "show", "people", "--outcome", "accepted", "--json").json
    assert [row["id"] for row in accepted] == ["ada", "bell"]


@pytest.mark.usefixtures("people")
def test_the_story_of_a_rejected_document(guidex: Command) -> None:
    done = guidex("trace", "show", "people", "curie")
    text = " ".join(done.out.split())
    for part in (
        "Document curie: rejected",
        "people.jsonl:3, 51 characters",
        "Round 1, from the schema-designer",
        "Round 2, from the annotator",
        "SPURIOUS by critic for the annotator",
        "faithfulness 0.00 less than 0.8",
        "untyped 1.00 whatever the class",
        "alpha 1.00 over tokens; 0 is chance",
        "both empty 0.00 share of pairs; they count as agreeing",
        "against acceptance: faithfulness 0.00 < 0.8",
        "schema-designer answered",
        "annotator 2 answered",
        "critic answered",
        "as before",
        "Objections: who raised them, and who gave way",
        "objection 1 (SPURIOUS, ",
        "raised in round 1 by critic, dropped with its mention in round 1, the class unknown",
        "Result (round",
    ):
        assert part in text, part
    assert max(len(line.rstrip()) for line in done.out.splitlines()) <= 100


@pytest.mark.usefixtures("people")
def test_the_story_of_an_accepted_document_marks_what_was_agreed(guidex: Command) -> None:
    out = guidex("trace", "show", "people", "ada").out
    story = guidex("trace", "show", "people", "ada", "--json").json
    assert story["document"]["text"] == "Lovelace wrote programs for the Analytical Engine in London."
    mentions = [mention for instance in story["result"]["instances"] for mention in instance["mentions"]]
    assert mentions
    for instance in story["result"]["instances"]:
        assert f"[{instance['mentions'][0]['quote']}|{instance['class_name']}]" in out
    classes = story["rounds"][0]["result"]["annotation_schema"]["classes"]
    for spec in classes:
        assert spec["guideline"]["definition"] in out
    assert [call["agent"] for call in story["calls"]].count("annotator") == 2
    assert story["decision"]["outcome"] == "accepted"


@pytest.mark.usefixtures("people")
def test_the_story_of_a_failed_document(guidex: Command) -> None:
    out = guidex("trace", "show", "people", "darwin").out
    assert "Document darwin: failed" in out
    assert "Failure: schema-designer: invalid" in out
    assert "Calls of a round that did not end" in out


def boastful(call: Call) -> Turn:
    """Agree, but fill every word that is about the task with what a terminal might obey."""
    answer = agreeable(call)

    def spoiled(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: spoiled(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [spoiled(inner, key) for inner in value]
        if key in ("definition", "boundary", "include", "domain", "message"):
            return "be \x1b[5mred\x07 \u202e[blink]x[/blink] \x9b31m"
        return value

    return spoiled(answer) if isinstance(answer, dict) else answer  # type: ignore[return-value]


def test_hostile_texts_reach_the_terminal_as_text(
    guidex: Command, scripted_server: Servers, tmp_path: Path
) -> None:
    docs = write_documents(tmp_path / "hostile.jsonl", {HOSTILE_ID: HOSTILE, REFUSED_ID: "Nothing odd here."})
    flags = ("--model", "openai/test", "--base-url", scripted_server(boastful).openai_url, "--rounds", 1)
    printed = [guidex("run", "--documents", docs, *flags)]
    printed += [
        guidex("trace", "show", "hostile"),
        guidex("trace", "show", "hostile", HOSTILE_ID),
        guidex("trace", "show", "hostile", HOSTILE_ID, "--json"),
        guidex("runs", "show", "hostile"),
        guidex("trace", "show", "hostile", "no such \x1b[2J id"),
    ]
    assert [done.code for done in printed] == [0, 0, 0, 0, 0, 2]
    for done in printed:
        for text in (done.out, done.err):
            bad = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
            assert not bad, bad
    story = printed[2].out
    assert f"Document {HOSTILE_ID}: " in story, "an id is no markup either"
    assert "\\x1b[0m and \\x9b2" in story
    assert "\\u202e" in story
    assert "[bold red]" in story and ":boom:" in story
    assert json.loads(printed[3].out)["document"]["text"] == HOSTILE


def test_a_long_document_is_cut_and_its_mentions_still_listed(
    guidex: Command, scripted_server: Servers, tmp_path: Path
) -> None:
    text = "Lovelace wrote programs. " * 400
    docs = write_documents(tmp_path / "long.jsonl", {"long": text})
    flags = ("--model", "openai/test", "--base-url", scripted_server().openai_url)
    assert guidex("run", "--documents", docs, *flags).code == 0
    out = guidex("trace", "show", "long", "long").out
    assert f"{len(text) - 4000:,} more characters" in out
    assert "Lovelace" in out


def test_mentions_that_code_added_are_marked(
    guidex: Command, tmp_path: Path, scripted_server: Servers
) -> None:
    documents = write_documents(tmp_path / "twice.jsonl", {"one": "Lovelace wrote. Then Lovelace rested."})
    guidex(
        "run", "--documents", documents, "--model", "openai/test", "--base-url", scripted_server().openai_url
    )
    lines = [" ".join(line.split()) for line in guidex("trace", "show", "twice", "one").out.splitlines()]
    assert any(line.endswith("Lovelace 0-8 x x yes correct") for line in lines)
    assert any(line.endswith("Lovelace 21-29 p p yes correct") for line in lines)
    assert "p: by code, for the same words as elsewhere in it" in lines
    story = guidex("trace", "show", "twice", "one", "--json").json
    statuses = {m["status"] for i in story["result"]["instances"] for m in i["mentions"]}
    assert statuses == {"exact", "propagated"}
