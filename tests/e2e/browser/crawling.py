"""Which pages there are: whatever the links of the first one lead to."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Collection
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote, urlencode, urlsplit

from served import Served
from starlette.routing import Match, Route

_OF_EACH: Final = 2
"""Pages of one kind and run that are looked at."""

_OF_DOCUMENTS: Final = 5
"""A document's page differs by how the document ended."""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, None] = {}
        self.boxes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        target = given.get("href")
        if given.get("type") == "checkbox" and given.get("name") == "run":
            self.boxes.append(("run", given.get("value") or ""))
        if tag == "a" and target and target.startswith("/"):
            self.found[target.partition("#")[0]] = None


def pages(served: Served, runs: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Follow the links from the first page: the pages there are, and the links that lead nowhere.

    Args:
        served: The viewer.
        runs: Whose pages to look at; default: all runs'.
    """
    seen: Counter[tuple[str, str]] = Counter()
    found: list[str] = []
    dead: list[str] = []
    waiting = {"/": None}
    visited: set[str] = set()
    while waiting:
        path = next(iter(waiting))
        del waiting[path]
        visited.add(path)
        kind, run = _kind(served, path)
        if runs and run and run not in runs:
            continue
        if kind:
            seen[kind, run] += 1
            if seen[kind, run] > (_OF_DOCUMENTS if kind.endswith("{position:int}") else _OF_EACH):
                continue
        try:
            with urllib.request.urlopen(served.address + path, timeout=30) as answer:
                text = answer.read().decode()
                shown = answer.geturl().removeprefix(served.address)
        except urllib.error.HTTPError as error:
            error.close()
            dead.append(f"{error.code} {path}")
            continue
        if shown not in found:  # an address may lead to another one
            found.append(shown)
        links = _Links()
        links.feed(text)
        # Runs are chosen by boxes: the newest two are compared, and the oldest two.
        chosen = {f"/compare?{urlencode(two)}" for two in (links.boxes[:2], links.boxes[-2:]) if two}
        waiting |= {link: None for link in (*links.found, *sorted(chosen)) if link not in visited}
    return found, dead


def _kind(served: Served, path: str) -> tuple[str, str]:
    """The form of a page's address, and the run it is of; both are empty for one that there is not."""
    scope = {"type": "http", "method": "GET", "path": unquote(urlsplit(path).path), "headers": []}
    for route in served.app.routes:
        match, rest = route.matches(scope)
        if match is Match.FULL and isinstance(route, Route):
            return route.path, rest["path_params"].get("run", "")
    return "", ""
