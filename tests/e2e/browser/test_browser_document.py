"""A document as somebody reads it: cards, classes, jumps between text and tables, rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from served import Served
from viewer.annotated_runs import make_annotated_run

Open = Callable[..., Page]

DOCUMENT = "/runs/trial/documents/0"


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    runs = tmp_path_factory.mktemp("annotated")
    make_annotated_run(runs)
    with Served(runs) as served:
        yield served


@pytest.fixture
def open_document(open_page: Open, annotated: Served) -> Open:
    def opened(path: str = DOCUMENT, **how: object) -> Page:
        return open_page(path, of=annotated, **how)

    return opened


def mention(page: Page, text: str, class_name: str = "Person") -> Locator:
    return page.locator(f'.text mark[data-class="{class_name}"]', has_text=text).first


def open_cards(page: Page) -> Locator:
    return page.locator(".card:visible")


def is_target(page: Page, selector: str) -> bool:
    return bool(page.evaluate("selector => document.querySelector(':target')?.matches(selector)", selector))


@pytest.mark.parametrize("width", [1280, 390])
def test_a_card_opens_for_whoever_steps_to_a_mention_with_keys(open_document: Open, width: int) -> None:
    page = open_document(width=width)
    labels = page.locator(".text a.label").count()
    assert labels >= 5
    for number in range(labels):
        page.keyboard.press("j")
        card = open_cards(page)
        if page.evaluate("document.activeElement.matches('[aria-describedby]')"):
            expect(card).to_have_count(1)
            box = card.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width, number
    page.keyboard.press("k")
    expect(open_cards(page)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(open_cards(page)).to_have_count(0)


def test_the_innermost_mention_under_the_pointer_shows_its_card(open_document: Open) -> None:
    page = open_document()
    mention(page, "Ada Lovelace").locator(":scope > .label").hover()
    expect(open_cards(page)).to_have_count(1)
    expect(open_cards(page)).to_contain_text("annotator-2: quoted exactly")
    expect(open_cards(page)).to_contain_text("wrong class, Meeting")
    page.locator("h1").hover()
    expect(open_cards(page)).to_have_count(0)


def test_cards_and_rounds_do_without_scripts(open_document: Open) -> None:
    page = open_document(script=False)
    mention(page, "Ada Lovelace").locator(":scope > .label").hover()
    expect(open_cards(page)).to_have_count(1)
    expect(page.locator("[data-toggle]").first).to_be_hidden()
    page.get_by_role("link", name="Round 1", exact=False).first.click()
    page.wait_for_url("**?round=1")


def test_a_class_is_hidden_and_shown_again(open_document: Open) -> None:
    page = open_document()
    own = mention(page, "London", "Meeting")
    expect(own.locator(":scope > .label")).to_be_visible()
    page.get_by_label("Meeting", exact=False).uncheck()
    expect(own.locator(":scope > .label")).to_be_hidden()
    expect(own).to_contain_text("London")
    expect(mention(page, "Ada Lovelace").locator(":scope > .label")).to_be_visible()
    page.get_by_label("Meeting", exact=False).check()
    expect(own.locator(":scope > .label")).to_be_visible()


def test_text_tables_and_objections_lead_to_each_other(open_document: Open) -> None:
    page = open_document()
    page.get_by_role("row", name="Charles <b> Person", exact=False).get_by_role("link").click()
    assert is_target(page, "mark.mention")
    expect(page.locator(":target")).to_be_in_viewport()
    page.locator(":target > .label").focus()
    page.keyboard.press("Enter")
    assert is_target(page, "tr")
    expect(page.locator(":target")).to_contain_text("Charles <b>")
    page.locator("#o2").get_by_role("link", name="wrote").click()
    page.wait_for_url("**#q2")
    assert is_target(page, "mark.quoted")
    page.locator(".text a.label", has_text="MISSING").click()
    page.wait_for_url("**#o2")
    assert is_target(page, "#o2")


def test_rounds_and_documents_are_stepped_through_with_keys(open_document: Open) -> None:
    page = open_document(f"{DOCUMENT}?sort=id&outcome=rejected")
    page.keyboard.press("[")
    page.wait_for_url("**round=1**")
    expect(page.locator(".text")).to_contain_text("Lovelace")
    page.keyboard.press("]")
    page.wait_for_url("**round=2**")
    expect(page.locator(".diff ins").first).to_be_visible()
    page.keyboard.press("u")
    page.wait_for_url("**/documents?outcome=rejected&sort=id")
    page.goto(DOCUMENT)
    page.keyboard.press("n")
    page.wait_for_url("**/documents/1")
    page.keyboard.press("p")
    page.wait_for_url("**/documents/0")


def test_documents_are_found_from_the_keyboard_and_the_address_stays_short(open_document: Open) -> None:
    page = open_document("/runs/trial/documents")
    page.keyboard.press("/")
    page.keyboard.type("charles")
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents?q=charles&**")
    assert "outcome=" not in page.url and "found=" not in page.url
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents/0?q=charles**")
    expect(page.get_by_text("1 of 1 found")).to_be_visible()
