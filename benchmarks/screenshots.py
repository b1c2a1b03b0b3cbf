"""The pictures of the viewer in the documentation, and the run that they show.

    python -m benchmarks.screenshots [--runs FOLDER] [--into docs/images]

Makes two runs of the quickstart's documents without a model (agents that err by chance, judged by the rules
of a real run: `benchmarks.bulk_rounds`), serves the viewer, and takes its pages in Chromium at 1280 and 390
pixels. With `--runs` the runs are kept there: `guidex view FOLDER`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from benchmarks.bulk_calls import CallMaker
from benchmarks.bulk_documents import Sample
from benchmarks.bulk_rounds import Simulation
from benchmarks.bulk_run import MODEL, SERVER, Life, Recorder, job_of, spread_times
from benchmarks.demo_documents import demo_samples
from benchmarks.viewer import serving
from graph.store.records import DOCUMENTS_READ
from graph.store.store import RunStore
from guidex.job_files import effective_toml
from guidex.version import version
from schemas.judgement import Finding, FindingCode, Severity
from schemas.schema import ClassSpec, Guideline

RUNS: Final = {"quickstart": (4, 3), "quickstart-2": (11, 2)}
"""Of each run, by its name, the seed and the round cap."""
_DOCUMENT: Final = 0
"""Position of the document that is shown."""
WIDTHS: Final = (1280, 390)
_MARGIN: Final = 24
_HEIGHTS: Final = {1280: 900, 390: 844}
IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
_REMARKS: Final = {
    FindingCode.GUIDELINE_UNDERSPECIFIED: "say whether a repeated mention is annotated again",
    FindingCode.GUIDELINE_CONTRADICTION: "it includes what the definition leaves out",
    FindingCode.SCHEMA_OVERLAP: "some mentions fit another class as well",
    FindingCode.SCHEMA_MISSING_CLASS: "nothing is there for these mentions",
}


class _Demo(Simulation):
    """Agents whose words make sense."""

    def _rewritten(self, spec: ClassSpec, flawless: Guideline, rng: random.Random) -> ClassSpec:
        return spec.model_copy(update={"guideline": flawless})

    def _remark(self, code: FindingCode, name: str, severity: Severity, rng: random.Random) -> Finding:
        message = _REMARKS[code]
        return Finding(code=code, severity=severity, raised_by="critic", class_name=name, message=message)


def make_demo_run(into: Path, name: str, seed: int, rounds: int) -> Path:
    """Write a run of the quickstart's documents; the same for the same seed, but for times and ids of calls.

    Args:
        into: The folder of runs.
        name: The run's.
        seed: By which the agents err.
        rounds: How many a document takes at most.

    Returns:
        Its folder.
    """
    folder = into / name
    job = job_of(f"{into}/quickstart").model_copy(update={"rounds": rounds})
    simulation, maker = _Demo(job, seed), CallMaker(MODEL, SERVER)
    lives = [
        _life(one, simulation, maker, random.Random(f"{seed} {one.document.id}")) for one in demo_samples()
    ]
    toml = effective_toml(job, folder)
    with RunStore.create(folder, name=name, job=job, job_toml=toml, version=version()) as store:
        store.add_documents([life.sample.document for life in lives])
        store.add_event(DOCUMENTS_READ, "all documents are read", {"state": "0" * 64})
        asyncio.run(Recorder(store).record(lives))
        store.finish_run("done")
    spread_times(folder)
    return folder


def _life(one: Sample, simulation: Simulation, maker: CallMaker, rng: random.Random) -> Life:
    worked = simulation.work(one)
    rounds = tuple((tuple(maker.calls(worked, each.number, rng, 0)), each) for each in worked.rounds)
    return Life(one, rounds, worked.decision, worked.kept.scores)


def take(address: str, into: Path) -> list[Path]:
    """Take the pictures.

    Args:
        address: Of the viewer.
        into: The folder to write to.

    Returns:
        The files.
    """
    first, second = RUNS
    run = f"{address}/runs/{first}"
    pages = {
        "runs": f"{address}/",
        "run": run,
        "documents": f"{run}/documents",
        "document": f"{run}/documents/{_DOCUMENT}?round=2",
        "call": "",
        "thresholds": f"{run}/thresholds?agreement=0.75&faithfulness=0.7",
        "compare": f"{address}/compare?run={first}&run={second}",
    }
    made = []
    into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for theme, widths, names in (("light", WIDTHS, tuple(pages)), ("dark", WIDTHS[:1], ("document",))):
            for width in widths:
                page = browser.new_page(
                    viewport={"width": width, "height": _HEIGHTS[width]}, color_scheme=theme
                )
                for name in names:
                    if name == "call":
                        page.goto(f"{run}/calls?agent=critic")
                        page.locator("main tbody a[href*='/calls/']").first.click()
                    else:
                        page.goto(pages[name])
                    path = into / f"{name}-{width}{'-dark' * (theme == 'dark')}.png"
                    _shoot(page, path)
                    made.append(path)
                page.close()
        browser.close()
    return made


def _shoot(page: Page, path: Path) -> None:
    """As much of a page as fits the window, and no more than there is."""
    page.wait_for_load_state("networkidle")
    size = page.viewport_size
    end = page.evaluate(
        "Math.max(...[...document.querySelectorAll('main > *')].map((e) => e.getBoundingClientRect().bottom))"
    )
    assert size is not None
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], end + _MARGIN)}
    page.screenshot(path=path, animations="disabled", clip=clip)  # type: ignore[arg-type]


def chromium() -> str | None:
    """The Chromium of this machine; `GUIDEX_CHROMIUM` names another one."""
    names = (os.environ.get("GUIDEX_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the runs and take the pictures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--runs", type=Path, help="folder to keep the runs in; it must not have them yet")
    options.add_argument("--into", type=Path, default=IMAGES, help="folder of the pictures")
    given = options.parse_args(arguments)
    if chromium() is None:
        sys.exit("There is no Chromium: `make browser` installs it.")
    with tempfile.TemporaryDirectory() as scratch:
        runs = given.runs or Path(scratch, "runs")
        for name, (seed, rounds) in RUNS.items():
            make_demo_run(runs, name, seed, rounds)
        # By its name, as the pages say where the runs are.
        command = (sys.executable, "-m", "guidex", "view", runs.name, "--port", "0", "--no-browser")
        with serving(*command, cwd=runs.parent) as (host, port):
            made = take(f"http://{host}:{port}", given.into)
    print(f"{len(made)} pictures, {sum(path.stat().st_size for path in made) / 1e6:.1f} MB: {given.into}")


if __name__ == "__main__":
    main()
