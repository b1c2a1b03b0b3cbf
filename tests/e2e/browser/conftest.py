"""The viewer in real Chromium, headless, driven by Playwright; without Chromium these tests are skipped.

Playwright's synchronous interface keeps an event loop running in the main thread for as long as it is open,
where no other can run. So it is opened for a module at a time, whose tests are all synchronous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from seen_runs import make_runs
from served import Served
from watching import Watch

from benchmarks.screenshots import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        pytest.skip("there is no Chromium: `apt-get install chromium`, or name one in GUIDEX_CHROMIUM")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of finished runs, which no test may change."""
    return make_runs(tmp_path_factory.mktemp("viewed") / "runs")


@pytest.fixture(scope="session")
def viewer(runs: Path) -> Iterator[Served]:
    with Served(runs) as served:
        yield served


@pytest.fixture
def open_page(browser: Browser, viewer: Served) -> Iterator[Callable[..., Page]]:
    """Opens a page of the viewer in a new window: `open_page("/", width=390, theme="dark")`.

    When the test ends, nothing may have gone wrong in any of them: see `Watch`.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_page(
        path: str = "/", *, width: int = 1280, theme: str = "light", of: Served = viewer, script: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            base_url=of.address,
            java_script_enabled=script,
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        watches.append(Watch(page, of.address))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [trouble for watch in watches for trouble in watch.troubles] == []
