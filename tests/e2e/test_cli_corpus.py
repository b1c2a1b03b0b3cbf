"""Mode corpus from the command line: a pilot makes one schema, which all documents are annotated with."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command, write_documents
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn, agreeable

from graph.store.pilots import stored_pilot
from graph.store.reading import RunReader

Servers = Callable[..., ScriptedServer]
Start = Callable[..., subprocess.Popen[str]]
SIZE = 3
PILOT_CALLS = SIZE + 1 + 2 * SIZE
"""Proposals, guidelines, and two annotators, who agree at once."""

TEXTS = {f"d{n}": f"Captain Roberts left Lisbon harbour with ferry number{n}." for n in range(8)}
WHOLE = PILOT_CALLS + 3 * len(TEXTS) - 2 * SIZE
"""Two annotators and the critic for each document. All mention the same, so that those of the pilot are shown
no examples: what their annotators are asked was asked in the pilot."""


def slow(call: Call) -> Turn:
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return Say(answer, delay=0.05)


@pytest.fixture
def ships(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "ships.jsonl", TEXTS)


def flags(server: ScriptedServer, documents: Path, *more: object) -> tuple[object, ...]:
    model = ("--model", "openai/x", "--base-url", server.openai_url)
    return ("run", "--documents", documents, *model, "--mode", "corpus", "--pilot-documents", SIZE, *more)


def answered(folder: Path) -> int:
    connection = sqlite3.connect(folder / "run.db")
    try:
        (count,) = connection.execute("SELECT count(*) FROM calls WHERE status = 'answered'").fetchone()
    except sqlite3.OperationalError:
        count = 0
    finally:
        connection.close()
    return int(count)


def test_all_documents_are_annotated_with_the_schema_of_the_pilot(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    done = guidex(*flags(server, ships, "--json"))
    assert done.code == 0, done.err
    assert done.json["documents"]["accepted"] == len(TEXTS)
    assert done.json["calls"] == len(server.calls) == WHOLE
    assert done.json["replays"] == 2 * SIZE
    with RunReader(Path("runs/ships")) as reader:
        pilot, examples = stored_pilot(reader) or pytest.fail("no pilot")
        frozen = pilot.frozen.annotation_schema
        kept = {identifier: reader.kept_round(identifier) for identifier in TEXTS}
    assert len(pilot.documents) == SIZE and set(pilot.documents) <= set(TEXTS)
    for identifier, round_ in kept.items():
        assert round_ is not None and round_.annotation_schema.names == frozen.names
        shown = [e for spec in round_.annotation_schema.classes for f in spec.fields for e in f.examples]
        own = {e.phrase for e in examples if e.document_id == identifier}
        assert not own & set(shown)
        assert bool(shown) == (identifier not in pilot.documents)  # all mention the same
    assert guidex("export", "ships", "-o", "-").out.count("\n") == len(TEXTS)


def test_a_finished_run_keeps_its_schema_and_asks_nothing(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    run = flags(server, ships, "--max-candidates")
    assert guidex(*run, 2).code == 0
    # The source has changed, and so would the sample; the frozen schema stays.
    write_documents(ships, TEXTS | {"new": "Doctor Marten sewed the wounds of sailors in a shed at noon."})
    assert guidex(*run, 9).code == 0
    assert len(server.calls) == WHOLE + 3
    refused = guidex(*flags(server, ships, "--pilot-rounds", 1, "--name", "ships"))
    assert refused.code == 2 and "pilot.rounds was 3, is 1" in refused.err


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
@pytest.mark.parametrize("after", [2, 5, PILOT_CALLS + 4])
def test_a_killed_pilot_goes_on_without_asking_anything_twice(
    after: int, guidex: Command, guidex_process: Start, scripted_server: Servers, ships: Path, tmp_path: Path
) -> None:
    server = scripted_server(slow)
    run = flags(server, ships, "--display", "none", "--json", "--max-connections", 2, "--name", "killed")
    process = guidex_process(*run)
    while len(server.calls) < after and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    folder = tmp_path / "runs" / "killed"
    finished, sent = answered(folder), len(server.calls)

    again = guidex(*run)
    assert again.code == 0, again.err
    assert json.loads(again.out)["documents"]["accepted"] == len(TEXTS)
    assert len(server.calls) - sent == WHOLE - finished
    with RunReader(folder) as reader:
        assert len((stored_pilot(reader) or pytest.fail("no pilot"))[0].versions) == 1


def test_a_limit_stops_the_pilot_and_it_can_be_taken_up(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    stopped = guidex(*flags(server, ships, "--token-limit", 5_000, "--max-connections", 1, "--name", "mine"))
    assert stopped.code == 75 and "Traceback" not in stopped.err
    with RunReader(Path("runs/mine")) as reader:
        assert stored_pilot(reader) is None
    assert guidex("resume", "mine", "--token-limit", 9_000_000).code == 0


def test_a_pilot_that_comes_to_nothing_fails_with_one_sentence(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    failed = guidex(*flags(scripted_server(lambda call: Fail(400, "no")), ships))
    assert failed.code == 1 and "proposed no classes" in failed.err and "Traceback" not in failed.err


def test_a_control_needs_the_schema_of_a_pilot_as_a_file(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    refused = guidex(*flags(scripted_server(), ships, "--method", "linear"))
    assert refused.code == 2 and "mode `corpus` works by the method agents" in refused.err


def test_the_pilots_graph_is_drawn(guidex: Command) -> None:
    drawn = guidex("graph", "--mode", "corpus").out
    assert "consolidate --> write;" in drawn and "graph TD;" in drawn


def test_given_classes_without_guidelines_get_them_on_a_pilot(
    guidex: Command, ships: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    schema: dict[str, Any] = {"classes": [{"name": "Person"}, {"name": "Harbour"}]}
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    server = scripted_server()
    model = ("--model", "openai/x", "--base-url", server.openai_url, "--pilot-documents", SIZE, "--json")
    done = guidex("run", "--documents", ships, *model, "--schema", file)
    assert done.code == 0, done.err
    assert len(server.calls) == WHOLE - SIZE  # none proposes classes
    with RunReader(Path("runs/ships")) as reader:
        pilot, _ = stored_pilot(reader) or pytest.fail("no pilot")
    assert pilot.frozen.annotation_schema.names == ("Person", "Harbour") and pilot.registry == ()
    assert all(spec.guideline.definition for spec in pilot.frozen.annotation_schema.classes)


def missing(call: Call) -> Turn:
    """Half of the documents miss a class for ferries; some of them call it otherwise."""
    answer = agreeable(call)
    if not isinstance(answer, dict) or "remarks" not in answer or int(call.document[-2]) % 2:
        return answer
    name = "Ferries" if call.document[-2] == "4" else "ferry"
    remark = {"code": "SCHEMA_MISSING_CLASS", "class": name, "severity": "major", "message": "ships \x1b[31m"}
    return {**answer, "remarks": [remark]}


def test_classes_that_later_documents_miss_are_reported(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    done = guidex(*flags(scripted_server(missing), ships, "--json"))
    assert done.code == 0 and done.json["documents"]["accepted"] == len(TEXTS)
    (lacking,) = guidex("runs", "show", "ships", "--json").json["missing_classes"]
    assert (lacking["name"], lacking["count"], len(lacking["document_ids"])) == ("Ferry", 4, 3)
    shown = guidex("runs", "show", "ships").out
    assert "4  Ferry in d" in shown and "ships" in shown and "\x1b" not in shown
    assert "guidex schema show ships" in shown


def test_the_frozen_schema_is_shown_with_its_history(
    guidex: Command, ships: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    server = scripted_server()
    assert guidex(*flags(server, ships)).code == 0
    shown = guidex("schema", "show", "ships").out
    for words in ("version 1, frozen", "Captain", "agreement of 1.00 reached", "proposed class"):
        assert words in shown
    told = guidex("schema", "show", "ships", "--json").json
    assert told["version"] == 1 and len(told["pilot"]["registry"]) == 2
    assert told["annotation_schema"] == told["pilot"]["versions"][0]["annotation_schema"]
    assert guidex("schema", "show", "ships", "--version", 2).code == 2

    file = tmp_path / "made.py"
    file.write_text(guidex("schema", "show", "ships", "--python").out, "utf-8")
    model = ("--model", "openai/x", "--base-url", server.openai_url, "--name", "again")
    assert guidex("run", "--documents", ships, *model, "--schema", file).code == 0
    again = guidex("schema", "show", "again", "--json").json
    assert again["annotation_schema"] == told["annotation_schema"] and again["version"] is None
    assert guidex("schema", "show", "again", "--version", 1).code == 2
    assert "as given" in guidex("schema", "show", "again").out


def test_a_run_without_a_shared_schema_says_so(
    guidex: Command, ships: Path, scripted_server: Servers
) -> None:
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    assert guidex("run", "--documents", ships, *model, "--limit", 1).code == 0
    refused = guidex("schema", "show", "ships")
    assert refused.code == 2 and "every document has a schema of its own" in refused.err
    both = guidex("schema", "show", "ships", "--json", "--python")
    assert both.code == 2
