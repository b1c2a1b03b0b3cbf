"""What holds of every page: readable by all, on a phone as well, and harmless whatever stands in it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from crawling import pages
from playwright.sync_api import Page
from seen_runs import HOSTILE_NAME
from served import Served

Open = Callable[..., Page]

PHONE = 390
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}

INJECTED = """() => {
  const foreign = `script:not([src^="/static/"]), link:not([href^="/static/"]), iframe, object, embed, img,
    base, meta[http-equiv], form[action^="//"], a[href^="//"], a[href^="javascript"]`;
  const odd = (attribute) => /^on|^style$/.test(attribute.name);
  return [...document.querySelectorAll("*")]
    .filter((each) => each.matches(foreign) || [...each.attributes].some(odd))
    .map((each) => each.outerHTML.slice(0, 200));
}"""
"""Elements that no page of the viewer has, and attributes that its policy would not let through."""


@pytest.fixture(scope="module")
def some_pages(viewer: Served) -> list[str]:
    """Every kind of page of a run of the agents, of one that has nothing, and of one by another method."""
    return pages(viewer, ("people", "nothing", "votes"))[0]


def test_every_page_is_accessible_in_both_themes(open_page: Open, some_pages: list[str]) -> None:
    page = open_page("/")
    problems = []
    for path in some_pages:
        page.goto(path)
        for theme, rules in (("light", RULES), ("dark", COLOURS)):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            results = Axe().run(page, options=rules)
            for found in results.response["violations"]:
                where = [node["target"] for node in found["nodes"][:3]]
                problems.append(f"{path} in {theme}: {found['id']}: {where}")
        page.emulate_media(color_scheme="light")
    assert problems == []


def test_no_page_scrolls_sideways_on_a_phone(open_page: Open, viewer: Served) -> None:
    page = open_page("/", width=PHONE)
    wide = []
    for path in pages(viewer)[0]:
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE:
            wide.append((path, width))
    assert wide == []


def test_what_documents_and_models_wrote_stays_text(open_page: Open, viewer: Served) -> None:
    page = open_page("/")
    attacked = 0
    for path in pages(viewer, [HOSTILE_NAME])[0]:
        page.goto(path)
        assert page.evaluate(INJECTED) == []
        assert unquote(page.url) == unquote(viewer.address + path)
        attacked += "onerror=alert" in page.locator("body").inner_text()
    assert attacked
