"""From a run to other thresholds for it: searched, stepped through, tried, applied, taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Command
from playwright.sync_api import Page, expect
from seen_runs import elsewhere
from served import Served

from benchmarks.bulk_run import make_run
from graph.store.reading import RunReader
from schemas.judgement import Outcome

Open = Callable[..., Page]


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Served]:
    """A run that may be changed; its agents differ, so that some documents take several rounds."""
    (tmp_path / "runs").mkdir()
    elsewhere(make_run, tmp_path / "runs", documents=16, calls=160, seed=7, name="trial")
    with Served(tmp_path / "runs") as served:
        yield served


def test_a_run_is_read_and_decided_by_other_thresholds(
    open_page: Open, changed: Served, guidex: Command
) -> None:
    with RunReader(changed.runs / "trial") as reader:
        rejected = [each.id for each in reader.documents(Outcome.REJECTED)]
        steps = {identifier: len(reader.rounds(identifier)) for identifier in rejected}
    wanted = max(rejected, key=steps.__getitem__)
    page = open_page("/", of=changed)
    page.get_by_role("link", name="trial").click()
    page.get_by_role("link", name="Documents", exact=True).click()
    expect(page).to_have_url(re.compile("/documents"))
    page.wait_for_load_state("load")  # keys do nothing before the script has run
    page.keyboard.press("/")
    page.keyboard.type(wanted)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=wanted).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(wanted)
    page.locator(".rounds a", has_text="Round 1").click()
    expect(page).to_have_url(re.compile("round=1"))
    page.wait_for_load_state("load")
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile("round=2"))
    page.locator(".timeline a").first.click()
    expect(page.get_by_role("heading", name="What was said")).to_be_visible()

    page.get_by_role("link", name="Thresholds", exact=True).click()
    apply = page.get_by_role("button", name="Apply as a new version")
    expect(apply).to_be_disabled()
    before = int(page.locator("[data-outcome] b").first.inner_text())
    for name in ("agreement", "faithfulness", "completeness"):
        page.locator(f"input[name={name}]").fill("0.05")
    page.get_by_label("Reject while a major finding is open").uncheck()
    expect(page.get_by_role("heading", name=re.compile("^[1-9][0-9]* would be accepted$"))).to_be_visible()
    expect(page.locator("[data-outcome] a[href*='/documents/']").first).to_be_visible()
    after = int(page.locator("[data-outcome] b").first.inner_text())
    assert after > before
    page.get_by_placeholder("why, for the record").fill("to have more")
    apply.click()
    expect(page.get_by_text("Version 2 of the decisions is in force, from")).to_be_visible()

    def versions() -> dict[int, dict[str, object]]:
        told = guidex("threshold", "list", "trial", "--runs-dir", changed.runs, "--json").json
        return {each["version"]: each for each in (told if isinstance(told, list) else told["versions"])}

    made = versions()
    assert made[2]["in_force"] and made[2]["note"] == "to have more" and made[2]["accepted"] == after
    assert made[1]["accepted"] == before
    page.get_by_role("button", name="Back to version 1").click()
    expect(page.get_by_role("button", name="Back to version 2")).to_be_visible()
    assert versions()[1]["in_force"]
