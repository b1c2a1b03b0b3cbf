"""What all pages have, and the first one: keys, themes, and the choice of two runs."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

Open = Callable[..., Page]


def test_runs_are_listed_and_stepped_through_by_keys(open_page: Open) -> None:
    page = open_page("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")
    rows = page.locator("tbody tr[data-row]")
    expect(rows).to_have_count(6)
    for key, row in (("j", 0), ("j", 1), ("k", 0), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        expect(rows.nth(row).locator(":focus")).to_have_count(1)


def test_the_keys_are_told_by_a_key(open_page: Open) -> None:
    page = open_page("/")
    told = page.get_by_role("dialog", name="Keys")
    expect(told).to_be_hidden()
    page.keyboard.press("?")
    expect(told).to_be_visible()
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    told.get_by_role("button", name="Close").click()
    expect(told).to_be_hidden()


def test_the_theme_is_the_systems_until_another_is_chosen(open_page: Open) -> None:
    page = open_page("/", theme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Dark or light").click()
    light = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == light
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark or light").click()
    assert page.evaluate(ground) == dark


def test_the_first_stop_of_the_tab_key_skips_to_the_content(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_pages_can_be_read_without_script(open_page: Open) -> None:
    page = open_page("/", script=False)
    expect(page.get_by_role("link", name="people", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Keys")).to_be_hidden()  # it would do nothing


def test_two_chosen_runs_are_asked_for_together(open_page: Open) -> None:
    page = open_page("/")
    page.get_by_label("Compare people").check()
    page.get_by_label("Compare votes").check()
    page.get_by_role("button", name="Compare the two chosen runs").click()
    chosen = parse_qs(urlsplit(page.url).query)["run"]
    assert sorted(chosen) == ["people", "votes"]
    expect(page.get_by_role("heading", level=1)).to_have_text("Two runs")
