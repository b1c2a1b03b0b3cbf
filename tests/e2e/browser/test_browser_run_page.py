"""The page of a run and of two, as somebody uses them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from served import Served
from viewer.conftest import make_run

from graph.store.store import RunStore
from schemas.judgement import Decision, Outcome

Open = Callable[..., Page]


def test_a_run_that_goes_on_is_followed_without_being_asked(open_page: Open, tmp_path: Path) -> None:
    make_run(tmp_path, "going")
    with Served(tmp_path) as served, RunStore.open(tmp_path / "going", version="0.1.0") as store:
        page = open_page("/runs/going", of=served)
        accepted = page.get_by_role("link", name="accepted", exact=False)
        expect(page.get_by_text("0 of 3 documents decided on")).to_be_visible()
        expect(accepted).to_have_text("0")
        store.decide("d0", Decision(outcome=Outcome.ACCEPTED, reason="by test"))
        store.decide("d1", Decision(outcome=Outcome.SKIPPED, reason="by test"))
        store.flush_now()
        expect(page.get_by_text("2 of 3 documents decided on")).to_be_visible()
        expect(accepted).to_have_text("1")
        store.finish_run("stopped", "The cost limit is reached.")
        store.flush_now()
        expect(page.get_by_text("The cost limit is reached.")).to_be_visible()
        expect(page.get_by_role("progressbar")).to_have_count(0)


def test_what_somebody_has_opened_stays_open_while_the_run_goes_on(open_page: Open, tmp_path: Path) -> None:
    make_run(tmp_path, "going")
    with Served(tmp_path) as served, RunStore.open(tmp_path / "going", version="0.1.0") as store:
        page = open_page("/runs/going", of=served)
        part = page.locator("[data-live$='/live']")
        part.evaluate("each => each.insertAdjacentHTML('beforeend', '<details open>Read</details>')")
        store.decide("d0", Decision(outcome=Outcome.ACCEPTED, reason="by test"))
        store.finish_run("done")
        store.flush_now()
        with page.expect_response("**/runs/going/live"):
            pass
        expect(page.get_by_text("0 of 3 documents decided on")).to_be_visible()
        part.locator("details").evaluate("each => each.open = false")
        expect(page.get_by_role("link", name="1 accepted")).to_be_visible()


def test_each_state_leads_to_its_documents(open_page: Open) -> None:
    page = open_page("/runs/people")
    page.get_by_role("link", name="2 accepted").click()
    rows = page.locator("tbody tr[data-row]")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("ada")


def test_a_document_that_ended_differently_opens_in_the_other_run(open_page: Open) -> None:
    page = open_page("/compare?run=people&run=votes")
    page.get_by_role("link", name="Open curie in B").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("curie")
    assert "/runs/votes/documents/" in page.url
