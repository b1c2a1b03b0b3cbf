"""Attacks by somebody who has the token: whatever is sent, it is a setting or it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from viewer.attacking import crawl, read, routes
from viewer.conftest import ADDRESS

from benchmarks.bulk_documents import HOSTILE
from benchmarks.bulk_run import make_run
from graph.store.reading import RunReader
from guidex.viewer import create_app
from guidex.viewer.security import TOKEN_HEADER

WRITES = ("POST", "PUT", "PATCH", "DELETE")
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"[" * 20_000,
    b'{"a":' * 10_000,
    b"\xff\xfe{}",
    b"a=1&b=2",
    b'{"thresholds": null}',
    b'{"thresholds": {"agreement": NaN}}',
    b'{"thresholds": {"agreement": 1e999}}',
    b'{"thresholds": {"agreement": -0.1}}',
    b'{"thresholds": {"agreement": "0.5"}}',
    b'{"thresholds": {"agreement": true}}',
    b'{"thresholds": {"correct": 0.1, "grounding": 0}}',
    b'{"thresholds": {"min_instances": 1e3}}',
    b'{"thresholds": {"min_instances": 99999999999999999999999999}}',
    b'{"thresholds": {}, "note": 1}',
    b'{"thresholds": {"agreement": 0.4}, "note": "\\ud800"}',
    b'{"thresholds": {"agreement": 0.4}, "note": "' + b"x" * 30_000 + b'"}',
    b'{"thresholds": {"agreement": 0.4}, "__class__": {}, "note": ""}',
    b'{"version": 0}',
    b'{"version": -1}',
    b'{"version": 99999}',
    b'{"version": 9223372036854775808}',
    b'{"version": "1; DROP TABLE decisions"}',
    b'{"version": [1]}',
    b'{"round": 1, "verdict": "accepted\'; --", "reviewer": "me"}',
    b'{"round": 1, "verdict": "accepted", "reviewer": " "}',
    b'{"round": 9, "verdict": "accepted", "reviewer": "me"}',
    b'{"round": 1e400, "verdict": "accepted", "reviewer": "me"}',
    b'{"round": 1, "verdict": "accepted", "reviewer": "' + b"x" * 5_000 + b'"}',
    b'{"round": 1, "verdict": "rejected", "reviewer": "me", "wrong": [{"start": -1, "end": 9e99}]}',
    b'{"round": 1, "verdict": "rejected", "reviewer": "me", "wrong": [[[[[]]]]]}',
)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make_run(tmp_path, documents=6, calls=60, name="mine")
    return tmp_path


@pytest.fixture
def client(runs: Path) -> Iterator[TestClient]:
    with TestClient(create_app(runs), base_url=ADDRESS, raise_server_exceptions=False) as made:
        made.headers[TOKEN_HEADER] = made.app.state.token  # type: ignore[attr-defined]
        made.headers["Origin"] = ADDRESS
        yield made


def stored(runs: Path) -> list[object]:
    """What a write may change."""
    with RunReader(runs / "mine") as reader:
        tables = [name for (name,) in reader.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(name, reader.rows(f'SELECT count(*) FROM "{name}"')) for name in tables if "fts" not in name]


def test_no_body_breaks_a_write_or_is_half_taken(client: TestClient, runs: Path) -> None:
    before = stored(runs)
    broken = []
    for route in routes(client.app, methods=WRITES):  # type: ignore[arg-type]
        address = re.sub(r"\{[^}]*\}", "0", route.path.replace("{run}", "mine"))
        for method in sorted((route.methods or set()) & set(WRITES)):
            for body in BODIES:
                answer = client.request(method, address, content=body)
                refused = 400 <= answer.status_code < 500
                if not refused or read(answer.text).faults:
                    broken.append((address, body[:60], answer.status_code, answer.text[:200]))
    assert broken == []
    assert stored(runs) == before


def test_a_write_goes_to_runs_of_the_folder_alone(client: TestClient, runs: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    make_run(outside.parent, documents=3, calls=30, name=outside.name)
    (runs / "linked").symlink_to(outside, target_is_directory=True)
    kept = (outside / "run.db").read_bytes()
    for route in routes(client.app, methods=WRITES):  # type: ignore[arg-type]
        for name in ("linked", "..%2f" + outside.name, "%2e%2e", "none"):
            address = re.sub(r"\{[^}]*\}", "0", route.path.replace("{run}", name))
            answer = client.post(address, json={"thresholds": {"agreement": 0.1}, "version": 1})
            assert answer.status_code in (404, 422), (address, answer.text)
    assert (outside / "run.db").read_bytes() == kept


def test_notes_are_shown_as_text(client: TestClient, runs: Path) -> None:
    for number, attack in enumerate(HOSTILE):
        asked = {"thresholds": {"agreement": 0.31 + number / 100}, "note": attack}
        answer = client.post("/runs/mine/thresholds/versions", json=asked)
        assert answer.status_code == 200, answer.text
        with RunReader(runs / "mine") as reader:
            ((position, round_),) = reader.rows(
                "SELECT d.position, e.round FROM documents d JOIN decisions e ON e.id = d.decision_id"
                " WHERE e.round IS NOT NULL ORDER BY d.position LIMIT 1"
            )
        review = {"round": round_, "verdict": "rejected", "reviewer": attack.strip()[:50], "note": attack}
        answer = client.post(f"/runs/mine/documents/{position}/reviews", json=review)
        assert answer.status_code == 200, answer.text
    pages = crawl(client, most=3).pages
    assert {address: found for address, html in pages.items() if (found := read(html).faults)} == {}
    shown = "".join(read(pages["/runs/mine/thresholds"]).text)
    assert [attack for attack in HOSTILE if attack.isprintable() and attack not in shown] == []
    assert HOSTILE[-1] in "".join(read(pages[f"/runs/mine/documents/{position}"]).text)
