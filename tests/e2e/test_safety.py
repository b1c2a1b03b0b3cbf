"""Keys stay out of everything that is written, printed or shown, whoever repeats them."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from commands import Command, write_documents
from every_command import readings
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn, agreeable
from starlette.testclient import TestClient
from viewer.attacking import crawl
from viewer.conftest import ADDRESS

from graph.exports.registry import FORMATS
from graph.store.reading import RunReader
from guidex.viewer import create_app
from guidex.viewer.security import TOKEN_HEADER

NAMED = "canary+named/by~the=job&0123456789"
USUAL = "canary-of-the-provider-0123456789"
OTHER = 'canary "of" \\another/ service é 0123456789'
"""The key in use, one that lies about in the environment, and one that encodings change."""


def forms(key: str) -> set[bytes]:
    """How a key may stand in a file: as it is, in JSON, in an address, in HTML, in base64."""
    written = {
        key,
        json.dumps(key)[1:-1],
        json.dumps(key, ensure_ascii=False)[1:-1],
        quote(key),
        quote(key, safe=""),
        quote_plus(key),
        key.replace("&", "&amp;").replace('"', "&#34;"),
        repr(key)[1:-1],
    }
    # Of base64 the middle is the same wherever in a text the key begins.
    encoded = {base64.b64encode(b" " * shift + key.encode())[4:40] for shift in range(3)}
    return {form.encode() for form in written} | encoded


FORMS = {form for key in (NAMED, USUAL, OTHER) for form in forms(key)}


def leaks(content: bytes) -> list[bytes]:
    """The keys that stand in something, in any form; `canary` alone is what is left of one cut in two."""
    return sorted(form for form in FORMS if form in content) + [b"canary"] * (b"canary" in content)


def indiscreet(call: Call) -> Turn:
    """A model and a server that repeat every key they know."""
    told = f"{call.headers.get('authorization', '')} {USUAL} {OTHER}"
    if "Beagle" in call.prompt:
        return Fail(400, f"Incorrect API key provided: {told}")
    if "Sklodowska" in call.prompt and "annotat" in call.prompt:
        return Say(f"I was sent {told}")
    return _repeated(agreeable(call), told)


def _repeated(value: Any, told: str, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _repeated(part, told, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_repeated(part, told, name) for part in value]
    prose = ("definition", "include", "exclude", "boundary", "facts", "domain", "message", "reason")
    return f"{value} {told}" if name in prose and isinstance(value, str) else value


@pytest.fixture
def server(scripted_server: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """It takes one of the keys in the environment, which is not the provider's usual one."""
    monkeypatch.setenv("SERVER_CREDENTIAL", NAMED)
    monkeypatch.setenv("OPENAI_API_KEY", USUAL)
    monkeypatch.setenv("HF_TOKEN", OTHER)
    return scripted_server(indiscreet, key=NAMED)


@pytest.fixture
def job(tmp_path: Path, server: ScriptedServer) -> Path:
    """A job whose brief, documents and answers hold keys."""
    write_documents(
        tmp_path / "people.jsonl",
        {
            "ada": f"Lovelace wrote programs with the key {OTHER} in London.",
            f"bell-{USUAL}": f"Burnell found pulsars near Cambridge: {NAMED}.",
            "curie": "Sklodowska discovered polonium and radium in Paris.",
            "darwin": "Charles sailed aboard Beagle around South America.",
        },
    )
    (tmp_path / "odd.jsonl").write_text(f"no JSON {USUAL}\n", "utf-8")
    file = tmp_path / "people.toml"
    file.write_text(
        f"""
        brief = {json.dumps(f"For the service of {OTHER}.")}
        rounds = 2
        [documents]
        paths = ["people.jsonl", "odd.jsonl"]
        [model]
        name = "openai/own"
        base_url = "{server.openai_url}"
        api_key_env = "SERVER_CREDENTIAL"
        """,
        "utf-8",
    )
    return file


@pytest.fixture
def said(guidex: Command, job: Path) -> Callable[..., str]:
    """Runs commands; none of them may say a key."""

    def call(*arguments: object) -> str:
        done = guidex(*arguments)
        told = f"{done.out}\n{done.err}"
        assert leaks(told.encode()) == [], (arguments, told)
        assert "Traceback" not in told, told
        return told

    return call


def test_no_command_that_works_says_or_writes_a_key(
    said: Callable[..., str], job: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    for arguments in (
        ("validate", job),
        ("doctor", job),
        ("doctor", job, "--json"),
        ("run", job, "--name", "one"),
        ("run", job, "--name", "two", "--display", "plain", "--json"),
        ("resume", "one", "--json"),
        ("retry", "one"),
        ("estimate", job, "--name", "two"),
        ("preview", job, "--name", "three", "-n", "1"),
    ):
        said(*arguments)
    refused = ("--model", "openai/own", "--base-url", server.openai_url)
    plain = write_documents(tmp_path / "plain.jsonl", {"ada": "Lovelace wrote programs."})
    assert "refused the key" in said("run", "--documents", plain, *refused, "--name", "refused")
    said("doctor", *refused)
    written = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert {path.parent.name for path in written if path.name == "run.db"} >= {"one", "two"}
    assert [(path, leaks(path.read_bytes())) for path in written if leaks(path.read_bytes())] == []
    assert [path for path in written if leaks(str(path).encode())] == []


def test_nothing_that_reads_a_run_shows_or_writes_a_key(
    said: Callable[..., str], job: Path, tmp_path: Path
) -> None:
    said("run", job, "--name", "one")
    shutil.copytree(tmp_path / "runs" / "one", tmp_path / "runs" / "two")
    gold = tmp_path / "gold.jsonl"
    gold.write_text(json.dumps({"id": "ada", "text": "Lovelace", "entities": []}) + "\n")
    with RunReader(tmp_path / "runs" / "one") as reader:
        documents = reader.document_ids()
        calls = [identifier for (identifier,) in reader.rows("SELECT id FROM calls ORDER BY id")]
    values = {
        "run": ["one"],
        "runs": ["one"],
        "other": ["two"],
        "document": documents,
        "call": calls[:6],
        "call_id": calls[:6],
        "gold": [str(gold)],
        "source": ["one"],
        "against": [str(gold)],
        "version": ["1"],
        "destination": [str(tmp_path / "copied" / "copy.db")],
        "output": [str(tmp_path / "copied" / "output")],
    }
    (tmp_path / "copied").mkdir()
    for arguments in readings(values):
        said(*arguments)
    for form in FORMATS:
        said("export", "one", "--format", form)
    said("trace", "export", "one", "--output", tmp_path / "copied" / "spans.jsonl", "--content")
    with TestClient(create_app(tmp_path / "runs"), base_url=ADDRESS) as client:
        client.headers[TOKEN_HEADER] = client.app.state.token  # type: ignore[attr-defined]
        note = {"thresholds": {"agreement": 0.123}, "note": f"as {NAMED} and {OTHER} want it"}
        assert client.post("/runs/one/thresholds/versions", json=note).status_code == 200
        shown = crawl(client, most=20).pages
    assert [(address, leaks(html.encode())) for address, html in shown.items() if leaks(html.encode())] == []
    given = {job, tmp_path / "people.jsonl", tmp_path / "odd.jsonl"}
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path not in given]
    assert any(path.parent.name == "exports" for path in written)
    assert any(path.name == "spans.jsonl" for path in written)
    assert [(path, leaks(path.read_bytes())) for path in written if leaks(path.read_bytes())] == []


@pytest.mark.parametrize("address", ["http://{key}@127.0.0.1:1/v1", "http://127.0.0.1:1/v1?api_key={key}"])
def test_an_address_that_holds_a_key_is_refused(guidex: Command, tmp_path: Path, address: str) -> None:
    """It would be stored with each call, and shown in messages."""
    documents = write_documents(tmp_path / "people.jsonl", {"ada": "Lovelace wrote programs."})
    url = address.format(key="canary-in-the-address")
    done = guidex("run", "--documents", documents, "--model", "openai/own", "--base-url", url)
    assert done.code == 2
    assert "api_key_env" in done.err and "canary" not in done.err
    assert not any(b"canary" in path.read_bytes() for path in tmp_path.rglob("*.db"))
