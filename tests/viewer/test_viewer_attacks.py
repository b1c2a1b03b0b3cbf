"""Attacks on every page there is: hostile text, hostile parameters, hostile paths, hostile askers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient
from viewer.attacking import Site, ask, crawl, read, route_of, routes
from viewer.conftest import ADDRESS

from benchmarks.bulk_documents import HOSTILE
from benchmarks.bulk_run import make_run
from graph.store.store import RunStore
from guidex.viewer import create_app
from guidex.viewer.security import HEADERS, TOKEN_HEADER

VALUES = (
    "'; DROP TABLE documents; --",
    "id) UNION SELECT job FROM runs --",
    '" NEAR(x y) AND text : *',
    "-1",
    "9" * 19,
    "9" * 400,
    "nan",
    "1e400",
    "\N{ARABIC-INDIC DIGIT THREE}",
    "\x00",
    "\ud7ff\U0010ffff",
    "x" * 1000,
    "<script>alert(1)</script>",
    "",
)
"""What a parameter is given."""
HOSTILE_NAME = "'\"><img src=x onerror=alert(5)>"
"""A folder's name, and so the run's."""
COMMON = ("q", "search", "sort", "order", "outcome", "offset", "limit", "page", "round", "agent", "status")
"""Parameters that pages may take, beside those that their own links and forms have."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A hostile run that goes on, a peaceful one to compare it with, and one outside of the folder."""
    folder = tmp_path_factory.mktemp("attacked")
    made = folder / "runs"
    made.mkdir()
    make_run(made, documents=len(HOSTILE), calls=15 * len(HOSTILE), name="hostile", hostile=True)
    (made / "hostile").rename(made / HOSTILE_NAME)
    make_run(made, documents=4, calls=60, name="peaceful")
    make_run(folder, documents=3, calls=40, name="outside")
    with RunStore.open(made / HOSTILE_NAME, version="0.1.0") as store:
        store.flush_now()
        yield made


@pytest.fixture(scope="module")
def client(runs: Path) -> Iterator[TestClient]:
    with TestClient(create_app(runs), base_url=ADDRESS, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def site(client: TestClient) -> Site:
    return crawl(client)


def digest(runs: Path) -> str:
    """Of all that is stored."""
    files = sorted(path for path in runs.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def test_the_crawl_reaches_every_page(client: TestClient, site: Site) -> None:
    """What is not linked is not attacked: a route that no link leads to has to be looked at by hand."""
    reached = {route_of(client, urlsplit(address).path) for address in site.pages}
    pages = {route.path for route in routes(client.app) if not route.path.startswith("/static/")}  # type: ignore[arg-type]
    assert pages <= reached


def test_no_link_is_refused(client: TestClient, site: Site) -> None:
    """Whatever stands in the names that links are made of."""
    answered = [
        dead for dead in site.dead if route_of(client, urlsplit(dead[4:]).path) != urlsplit(dead[4:]).path
    ]
    assert answered == []


def test_stored_text_is_no_markup_on_any_page(site: Site) -> None:
    faults = {address: found for address, html in site.pages.items() if (found := read(html).faults)}
    assert faults == {}


def test_hostile_text_is_shown_as_it_is(site: Site) -> None:
    """Escaped once, not twice, and never taken for a template."""
    shown = "".join("".join(read(html).text) for html in site.pages.values())
    for attack in (attack for attack in HOSTILE if attack.isprintable()):
        assert attack in shown, attack


def test_no_parameter_breaks_a_page_or_changes_what_is_stored(
    client: TestClient, site: Site, runs: Path
) -> None:
    before = digest(runs)
    # Of the run with few documents, whose pages are made quickly.
    targets = {
        route_of(client, path): path
        for path in sorted(
            (urlsplit(address).path for address in site.pages), key=lambda path: "/peaceful" in path
        )
    }
    broken = []
    for path in targets.values():
        names = sorted(site.parameters.get(path, ()))
        queries = [[(name, value)] for name in names for value in VALUES]
        queries += [[(name, value) for name in (*COMMON, *names)] for value in VALUES]
        queries.append([(name, value) for name in names for value in VALUES])
        for query in queries:
            answer = client.get(f"{path}?{urlencode(query)}", follow_redirects=False)
            if answer.status_code not in (200, 303, 400, 404) or read(answer.text).faults:
                broken.append((path, query[0][0], query[0][1][:40], answer.status_code))
    assert broken == []
    assert digest(runs) == before


EVIL_NAMES = (
    b"..",
    b"%2e%2e",
    b"%252e%252e",
    b".",
    b"..%2foutside",
    b"..%252foutside",
    b"%2e%2e%2foutside",
    b"..%5coutside",
    b"../outside",
    b"../../outside",
    b"hostile/../../outside",
    b"hostile%2f..%2f..%2foutside",
    b"%2fetc%2fpasswd",
    b"//etc/passwd",
    b"*",
    b"h*",
    b"%00",
    b"hostile%00",
    b"hostile%0d%0aX-Evil:%201",
    b"HOSTILE%20",
    b"linked",
    b"linked-database",
    b"%f0%9f%92%a9",
    b"%ff",
    b"~root",
    b"file:%2f%2f%2fetc%2fpasswd",
)


def test_no_name_of_a_run_leads_out_of_the_folder(client: TestClient, runs: Path) -> None:
    """Also not by a link that somebody has packed into a folder of runs."""
    outside = runs.parent / "outside"
    (runs / "linked").symlink_to(outside, target_is_directory=True)
    (runs / "linked-database").mkdir()
    (runs / "linked-database" / "run.db").symlink_to(outside / "run.db")
    try:
        patterns = [route.path for route in routes(client.app) if "{run}" in route.path]  # type: ignore[arg-type]
        for pattern in patterns or ["/runs/{run}"]:
            filled = re.sub(r"\{(?!run\})[^}]*\}", "0", pattern).encode()
            for name in EVIL_NAMES:
                answer = ask(client.app, filled.replace(b"{run}", name))  # type: ignore[arg-type]
                assert answer.status in (307, 400, 404), (pattern, name, answer.status)
                assert b"root:" not in answer.body and b"outside</h1>" not in answer.body
                assert "x-evil" not in answer.headers
        listed = client.get("/").text
        assert "/runs/linked" not in listed and "link to another place" in listed
    finally:
        (runs / "linked").unlink()
        (runs / "linked-database" / "run.db").unlink()
        (runs / "linked-database").rmdir()


@pytest.mark.parametrize(
    "path",
    [
        b"/static/../app.py",
        b"/static/../../viewer/app.py",
        b"/static/%2e%2e/app.py",
        b"/static/%252e%252e/app.py",
        b"/static/..%2fapp.py",
        b"/static/..%5capp.py",
        b"/static/..\\app.py",
        b"/static/style.css/../../app.py",
        b"/static//etc/passwd",
        b"/static/%2fetc%2fpasswd",
        b"/static/C:%5cWindows%5cwin.ini",
        b"/static/style.css%00.js",
        b"/static/",
        b"/static",
        b"//evil.example/static/style.css",
        b"/static/....//app.py",
    ],
)
def test_only_the_viewers_own_files_are_served(client: TestClient, path: bytes) -> None:
    answer = ask(client.app, path)  # type: ignore[arg-type]
    assert answer.status in (307, 400, 404, 405)
    assert b"Starlette" not in answer.body and b"root:" not in answer.body
    location = answer.headers.get("location", "/")
    assert urlsplit(location).netloc in ("", "127.0.0.1:7575")


def test_every_answer_binds_the_browser(client: TestClient, site: Site) -> None:
    answers = [
        client.get("/nowhere"),
        client.get("/static/style.css"),
        client.get("/static/nothing"),
        client.get("/runs/none"),
        client.get("/", headers={"Host": "evil.example"}),
        client.post("/"),
        client.request("TRACE", "/"),
        client.post("/", content=b"x" * 200_000, headers={TOKEN_HEADER: client.app.state.token}),  # type: ignore[attr-defined]
    ]
    told = site.headers | {f"{answer.request.method} {answer.url}": answer.headers for answer in answers}
    for asked, headers in told.items():
        for name, value in HEADERS.items():
            assert headers.get(name) == value, (asked, name)
        assert "access-control-allow-origin" not in headers
        if "etag" not in headers:
            assert headers["cache-control"] == "no-store"


def test_no_page_is_given_to_another_host(client: TestClient, site: Site) -> None:
    for address in site.pages:
        for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example:7575"):
            assert client.get(address, headers={"Host": host}).status_code == 400, address


def test_nothing_is_written_without_the_token_or_by_reading(
    client: TestClient, site: Site, runs: Path
) -> None:
    before = digest(runs)
    token = client.app.state.token  # type: ignore[attr-defined]
    own = {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}
    refused = (
        {},
        own,
        own | {TOKEN_HEADER: ""},
        own | {TOKEN_HEADER: token[:-1]},
        own | {TOKEN_HEADER: token, "Origin": "null"},
        own | {TOKEN_HEADER: token, "Origin": "http://evil.example"},
        own | {TOKEN_HEADER: token, "Origin": "http://127.0.0.1"},
        own | {TOKEN_HEADER: token, "Origin": "http://localhost:7575"},
        own | {TOKEN_HEADER: token, "Sec-Fetch-Site": "cross-site"},
        {"Cookie": f"{TOKEN_HEADER}={token}"},
    )
    writing = routes(client.app, methods=("POST", "PUT", "PATCH", "DELETE"))  # type: ignore[arg-type]
    addresses = {
        re.sub(r"\{[^}]*\}", "0", route.path.replace("{run}", quote(HOSTILE_NAME))) for route in writing
    }
    everywhere = {address: refused for address in ("/", *addresses)}
    for address, given in (dict.fromkeys(site.pages, ({},)) | everywhere).items():
        for headers in given:
            for method in ("POST", "DELETE"):
                asked = client.request(method, address, headers=headers, json={"agreement": 0.1})
                assert asked.status_code == 403, (method, address, headers)
    for address in addresses:
        assert client.get(f"{address}?agreement=0&outcome=accepted&token={token}").status_code == 405
    assert digest(runs) == before


def test_the_token_stands_in_no_address(client: TestClient, site: Site) -> None:
    """Addresses are kept in histories and sent on; the token is in the page's head alone."""
    token = client.app.state.token  # type: ignore[attr-defined]
    for html in site.pages.values():
        assert not any(token in link for link in read(html).links)
