"""Every page of the viewer, found as a stranger would find it, and what an answer must not hold.

Pages are found by following links from the first one, and by the routes of the application: a page that is
added is attacked without being named here.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.testclient import TestClient

_LINKS = {"a": "href", "form": "action", "link": "href", "script": "src", "img": "src", "use": "href"}
_NEVER = frozenset(
    "iframe object embed applet base frame frameset marquee blink x-hostile foreignobject animate set".split()
)
_PASSED_ON = frozenset("\n\t\r")


@dataclass
class Seen:
    """What a page holds, as a browser would read it."""

    links: list[str] = field(default_factory=list)
    parameters: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Names of the fields of forms, by the address that a form is sent to."""
    ticks: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """What the boxes of forms send, by the address that a form is sent to."""
    faults: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Reads a page and notes whatever cannot have come from a template."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self._form = ""
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _NEVER or (tag == "meta" and "http-equiv" in given):
            self.seen.faults.append(f"<{tag}> on the page")
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            if given.get("type") != "application/json":
                self.seen.faults.append("a script that is no file of the viewer")
        for name, value in attrs:
            if name.startswith("on") or name in ("srcdoc", "style", "formaction", "ping", "nonce"):
                self.seen.faults.append(f"{tag} has the attribute {name}={value!r}")
            if name in ("href", "src", "action", "xlink:href") and not _is_own(value or ""):
                self.seen.faults.append(f"{tag} leads to {value!r}")
        link = given.get(_LINKS.get(tag, "")) or given.get("data-live") or given.get("data-outcome")
        if link and tag != "form":
            self.seen.links.append(link)
        self._note_form(tag, given)
        self._inside.append(tag)

    def _note_form(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "form":
            self._form = given.get("action") or ""
        if tag in ("input", "select", "textarea", "button") and given.get("name"):
            self.seen.parameters[self._form].add(given["name"] or "")
        if given.get("type") == "checkbox" and given.get("name"):
            self.seen.ticks[self._form].append((given["name"] or "", given.get("value") or "on"))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] == ["script"] and data.strip():
            self.seen.faults.append(f"a script with text: {data[:80]!r}")
        self.seen.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.seen.faults.append(f"a comment: {data[:80]!r}")

    def handle_pi(self, data: str) -> None:
        self.seen.faults.append(f"a processing instruction: {data[:80]!r}")


def _is_own(address: str) -> bool:
    """Whether an address stays on the viewer: one path of this host, a query or a fragment."""
    parts = urlsplit(address)
    is_path = parts.path == "" or (parts.path.startswith("/") and not parts.path.startswith(("//", "/\\")))
    return not parts.scheme and not parts.netloc and is_path


def read(html: str) -> Seen:
    """What a page holds, with all that is wrong with it as `faults`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    seen = reader.seen
    seen.faults += [f"the control character {c!r}" for c in sorted(set(html)) if is_control(c)]
    return seen


def is_control(character: str) -> bool:
    """Whether a character is a command to a terminal or turns the direction of writing."""
    category = unicodedata.category(character)
    return character not in _PASSED_ON and (
        category == "Cc"
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029"
    )


@dataclass
class Site:
    """What there is to ask for."""

    pages: dict[str, str]
    """Addresses and what was answered."""
    headers: dict[str, Mapping[str, str]]
    """Addresses and the headers of the answer."""
    dead: list[str]
    """Addresses that were linked and refused."""
    parameters: dict[str, set[str]]
    """Names of query parameters by the path that takes them."""


def crawl(client: TestClient, most: int = 4) -> Site:
    """Follow links from the first page; of each route, and each set of its parameters, `most` addresses."""
    pages: dict[str, str] = {}
    headers: dict[str, Mapping[str, str]] = {}
    dead: list[str] = []
    parameters: dict[str, set[str]] = defaultdict(set)
    taken: dict[tuple[str, frozenset[str]], int] = defaultdict(int)
    queue = deque(["/"])
    while queue:
        address = queue.popleft().partition("#")[0].removesuffix("?")
        parts = urlsplit(address)
        names = frozenset(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
        kind = (route_of(client, parts.path), names)
        if address in pages or parts.path.startswith("/static/") or taken[kind] >= most:
            continue
        taken[kind] += 1
        answer = client.get(address, follow_redirects=False)
        pages[address] = answer.text
        headers[address] = answer.headers
        if answer.is_error:
            dead.append(f"{answer.status_code} {address}")
        if answer.is_redirect:
            queue.append(answer.headers["location"])
            continue
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        seen = read(answer.text)
        for link in seen.links:
            target = urlsplit(link)
            path = target.path or parts.path
            parameters[path] |= {name for name, _ in parse_qsl(target.query, keep_blank_values=True)}
            queue.append(link if target.path else f"{path}?{target.query}")
        for action, fields in seen.parameters.items():
            parameters[urlsplit(action).path or parts.path] |= fields
        queue.extend(
            f"{urlsplit(action).path or parts.path}?{urlencode(ticks[:2])}"
            for action, ticks in seen.ticks.items()
        )
    return Site(pages, headers, dead, parameters)


def routes(app: Starlette, *, methods: Iterable[str] = ("GET",)) -> list[Route]:
    """All routes that take one of the methods, those of mounted applications included."""

    def walk(found: Sequence[BaseRoute]) -> Iterator[Route]:
        for route in found:
            if isinstance(route, Route) and (route.methods or set()) & set(methods):
                yield route
            elif isinstance(route, Mount):
                yield from walk(route.routes or ())

    return list(walk(app.routes))


def route_of(client: TestClient, path: str) -> str:
    """The pattern of the route that answers a path; the path itself if none does."""
    scope = {"type": "http", "path": unquote(path), "root_path": "", "method": "GET", "headers": []}
    for route in client.app.routes:  # type: ignore[attr-defined]
        if route.matches(scope)[0] is Match.FULL:
            return str(getattr(route, "path", path))
    return path


@dataclass
class RawAnswer:
    """An answer to a path that was sent as it is."""

    status: int
    headers: dict[str, str]
    pieces: list[bytes]
    """In which the body was sent."""

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


def ask(app: Starlette, path: bytes, method: str = "GET", host: str = "127.0.0.1:7575") -> RawAnswer:
    """Send a path byte by byte as given: HTTP clients tidy up `..` and others before they send it."""
    raw, _, query = path.partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw.decode("latin-1")),
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", host.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 7575),
    }
    told: list[Any] = []

    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for request in requests:
            return request
        await asyncio.Event().wait()  # the one who asks stays connected
        raise AssertionError("nobody sets it")

    async def send(message: Any) -> None:
        told.append(message)

    try:
        asyncio.run(app(scope, receive, send))
    except Exception as error:  # as `raise_server_exceptions=False` of the test client does
        if not told:
            raise AssertionError("nothing was answered") from error
    headers = {name.decode().lower(): value.decode() for name, value in told[0]["headers"]}
    return RawAnswer(told[0]["status"], headers, [part.get("body", b"") for part in told[1:]])
