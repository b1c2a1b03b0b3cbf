"""Who may ask the viewer, and what a browser may do with its answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.routing import Route
from viewer.conftest import ADDRESS, Ask

from guidex.viewer.security import TOKEN_HEADER


def test_every_answer_forbids_scripts_that_are_not_the_viewers(tmp_path: Path, viewer: Ask) -> None:
    client = viewer(tmp_path)
    for path in ("/", "/nowhere", "/static/style.css", "/static/nothing.css", "/runs/none"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7575", ""]
)
def test_a_foreign_name_that_resolves_to_this_machine_is_refused(
    tmp_path: Path, viewer: Ask, host: str
) -> None:
    answer = viewer(tmp_path).get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "Runs" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:7575", "localhost:7575", "[::1]:7575", "LOCALHOST"])
def test_this_machines_own_names_are_served(tmp_path: Path, viewer: Ask, host: str) -> None:
    assert viewer(tmp_path).get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {TOKEN_HEADER: "guess"},
        {TOKEN_HEADER: "right", "Origin": "http://evil.example"},
        {TOKEN_HEADER: "right", "Origin": "null"},
        {TOKEN_HEADER: "right", "Origin": "http://127.0.0.1:9999"},
        {TOKEN_HEADER: "right", "Sec-Fetch-Site": "cross-site"},
        {TOKEN_HEADER: "right", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_write_without_token_or_from_elsewhere_is_refused(
    tmp_path: Path, viewer: Ask, headers: dict[str, str]
) -> None:
    client = viewer(tmp_path)
    token = client.app.state.token  # type: ignore[attr-defined]
    given = {name: token if value == "right" else value for name, value in headers.items()}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/", headers=given).status_code == 403


def test_a_write_of_the_viewers_own_page_passes_the_guards(tmp_path: Path, viewer: Ask) -> None:
    client = viewer(tmp_path)
    token = client.app.state.token  # type: ignore[attr-defined]
    headers = {TOKEN_HEADER: token, "Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/", headers=headers).status_code == 405  # there is nothing to write at this address


def test_pages_that_are_read_take_no_other_method(tmp_path: Path, viewer: Ask) -> None:
    app = viewer(tmp_path).app
    for route in app.routes:  # type: ignore[attr-defined]
        if isinstance(route, Route):
            methods = route.methods or set()
            assert not ("GET" in methods and methods - {"GET", "HEAD"}), route.path


@pytest.mark.parametrize(
    "path",
    [
        "/runs/%2e%2e",
        "/runs/..%2f..%2fetc",
        "/runs/%2Fetc",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_folder(tmp_path: Path, viewer: Ask, path: str) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    assert viewer(runs).get(path, follow_redirects=False).status_code in (307, 404)


def test_a_fault_is_told_without_its_inside(tmp_path: Path, viewer: Ask) -> None:
    client = viewer(tmp_path / "gone")

    def fail(*_: object) -> None:
        raise RuntimeError("secret inside")

    client.app.state.runs.path = property(fail)  # type: ignore[attr-defined]
    answer = client.get("/")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
