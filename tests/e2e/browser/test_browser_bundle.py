"""A bundle in a browser, opened as a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from seen_runs import HOSTILE_NAME, elsewhere
from test_browser_every_page import INJECTED, PHONE, RULES
from watching import Watch

from guidex.viewer.bundle import make_bundle, write_bundle

PAGES = "[...document.querySelectorAll('template')].map((each) => [each.dataset.page, each.dataset.title])"
OWN = ("<meta http-equiv", "<script>", '<script type="module">')
"""Elements that a bundle has, and no other page."""


def file_of(run: Path, to: Path) -> str:
    """Makes a run's bundle; its address."""
    work = make_bundle(run, limit=50, largest=50_000_000, with_calls=True)
    bundle = elsewhere(asyncio.run, work)
    write_bundle(bundle.html, to)
    return to.as_uri()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    watch = Watch(opened, "file:")
    yield opened
    context.close()
    assert watch.troubles == []


def test_a_bundle_is_read_like_the_viewer(page: Page, runs: Path, tmp_path: Path) -> None:
    page.goto(file_of(runs / "people", tmp_path / "people.html"))
    expect(page.get_by_role("heading", level=1)).to_have_text("people")
    page.get_by_role("link", name="2 accepted").click()
    expect(page.locator("#found")).to_have_text("2 shown")
    page.get_by_label("Outcome").select_option("")
    page.keyboard.press("Escape")
    page.locator("[data-search]").fill("sklodowska")
    expect(page.locator("#found")).to_have_text("1 shown")
    page.get_by_role("link", name="curie").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("curie")
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(r"-round-2$"))
    page.locator(".timeline a").first.click()
    expect(page.get_by_role("heading", name="What was said")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("curie")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    page.get_by_role("link", name="Left out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What is not in this file")


def test_a_bundle_is_accessible_and_fits_a_phone(page: Page, runs: Path, tmp_path: Path) -> None:
    page.goto(file_of(runs / "people", tmp_path / "people.html"))
    page.set_viewport_size({"width": PHONE, "height": 800})
    kinds = {name.split("-")[0]: name for name, _ in page.evaluate(PAGES)}
    assert {"run", "documents", "document", "call", "left"} == kinds.keys()
    for name in kinds.values():
        page.evaluate("(name) => { location.hash = name }", name)
        expect(page.locator("main h1")).to_be_visible()
        assert Axe().run(page, options=RULES).response["violations"] == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, name


def test_what_was_written_stays_text_in_a_bundle(page: Page, runs: Path, tmp_path: Path) -> None:
    address = file_of(runs / HOSTILE_NAME, tmp_path / "hostile.html")
    page.goto(address)
    attacked = 0
    for name, title in page.evaluate(PAGES):
        page.evaluate("(name) => { location.hash = name }", name)
        page.wait_for_function("(title) => document.title === title", arg=title)
        assert [each for each in page.evaluate(INJECTED) if not each.startswith(OWN)] == []
        attacked += "onerror=alert" in page.locator("body").inner_text()
    assert attacked
    assert page.url.startswith(address)
