"""How long the viewer's pages, searches and threshold sweeps take on a large run, beside the goals for them.

    python -m benchmarks.viewer [--run FOLDER] [--repetitions 15] [--datasette PROGRAM] [--json]

Without `--run` it makes the run of `benchmarks.bulk_run` first: 5,000 documents, 100,000 calls, minutes. With
it, another run in the same folder is what it is compared with.
Pages are asked for over HTTP from `guidex view` on loopback, each time by a new connection; commands are
processes. A small file of the same server is the yardstick; with `--datasette` its pages of the same tables
are another.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bulk_run import make_run
from graph.store.call_search import CallFilter, find_calls
from graph.store.reading import RunReader
from graph.thresholds import load
from graph.thresholds.sweeping import sweep
from guidex.viewer.links import Links

FIRST_BYTE: Final = 0.3
RUN_PAGE: Final = 1.0
SEARCH: Final = 0.5
SWEEP: Final = 1.0
"""Goals, in seconds."""

_EVERYWHERE: Final = "the"
"""A word of every document."""
_ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figure:
    """What was measured of one thing; times in seconds, over all repetitions."""

    what: str
    first_byte: float | None
    """Median; None for what is no page."""
    whole: float
    """Median."""
    longest: float
    size: int | None
    """Bytes of the page."""
    goal_first_byte: float | None
    goal_whole: float | None

    @property
    def missed(self) -> bool:
        """Whether a goal is missed."""
        late = self.first_byte is not None and self.goal_first_byte is not None
        return (late and (self.first_byte or 0) > (self.goal_first_byte or 0)) or (
            self.goal_whole is not None and self.whole > self.goal_whole
        )


@contextmanager
def serving(*command: str, cwd: Path | None = None) -> Iterator[tuple[str, int]]:
    """A server as a process of its own, in a working directory; yields host and port, which it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=cwd
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"http://([\d.]+):(\d+)", line):
                yield found[1], int(found[2])
                break
        else:
            raise RuntimeError(f"{command[0]} does not say where it listens")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def asked(host: str, port: int, path: str) -> tuple[int, float, float, int]:
    """Ask for a page by a new connection: status, seconds to the first byte and to the last, bytes."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    first = time.perf_counter() - began
    size = len(answer.read())
    whole = time.perf_counter() - began
    connection.close()
    return answer.status, first, whole, size


def page_figure(
    what: str,
    address: tuple[str, int],
    path: str,
    repetitions: int,
    goals: tuple[float | None, float | None],
) -> Figure | None:
    """Ask for a page so many times, and once before; None if there is none at this address."""
    status, *_ = asked(*address, path)
    if status == 404:
        return None
    assert status == 200, (path, status)
    told = [asked(*address, path) for _ in range(repetitions)]
    wholes = [whole for _, _, whole, _ in told]
    first = median(first for _, first, _, _ in told)
    return Figure(what, first, median(wholes), max(wholes), told[0][3], *goals)


def figure(what: str, call: Callable[[], object], repetitions: int, goal: float | None = None) -> Figure:
    """Call something so many times, and once before."""
    call()
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return Figure(what, None, median(times), max(times), None, None, goal)


def pages(run: Path) -> list[tuple[str, str, float | None]]:
    """Name, address and goal for the whole page, of all that the viewer shows of a run."""
    links, name = Links(), run.name
    with RunReader(run) as reader:
        ids = reader.document_ids()
        (long,) = reader.rows(
            "SELECT position FROM documents d JOIN rounds r ON r.document_id = d.id"
            " ORDER BY r.number DESC, d.characters DESC LIMIT 1"
        )[0]
        (call,) = reader.rows("SELECT id FROM calls WHERE attempts > 1 ORDER BY rowid DESC LIMIT 1")[0]
    rare, last = rare_word(run), max(0, len(ids) - 100)
    others = sorted(each.parent.name for each in run.parent.glob("*/run.db") if each.parent != run)
    return [
        ("file of 1 kB (yardstick)", links.static("theme.js"), None),
        ("list of runs", links.runs(), None),
        ("run", links.run(name), RUN_PAGE),
        ("documents", links.documents(name), None),
        ("documents, last page", links.documents(name, offset=last), None),
        ("documents by agreement", links.documents(name, sort="agreement"), None),
        ("documents by tokens", links.documents(name, sort="tokens", down=1), None),
        ("rejected, with a class", links.documents(name, outcome="rejected", found="Vessel"), None),
        ("documents with a rare word", links.documents(name, q=rare), SEARCH),
        ("documents with a common word", links.documents(name, q=_EVERYWHERE), SEARCH),
        ("document of 3 rounds", links.document(name, long), None),
        ("calls", links.calls(name), None),
        ("calls, slowest first", links.calls(name, sort="slowest"), None),
        ("calls, unusually slow", links.calls(name, slow="auto"), None),
        ("calls, asked again", links.calls(name, re_asked=1), None),
        ("calls with a rare word", links.calls(name, q=rare), SEARCH),
        ("calls with a common word", links.calls(name, q=_EVERYWHERE), SEARCH),
        ("call", links.call(name, call), None),
        ("thresholds", links.thresholds(name), None),
        ("thresholds, other outcome", f"{links.thresholds(name)}/outcome?agreement=0.85", SWEEP),
        *(("two runs compared", links.compare(name, other), None) for other in others[:1]),
    ]


def made_runs(folder: Path) -> Path:
    """A large run, and a copy to compare it with."""
    run = make_run(folder, documents=5000, calls=100_000)
    shutil.copytree(run, run.with_name("copy"))
    return run


def rare_word(run: Path) -> str:
    """A word of one document alone, which has calls."""
    with RunReader(run) as reader:
        ((text,),) = reader.rows("""SELECT t.text FROM texts t JOIN documents d ON d.text_id = t.id
            WHERE d.decision_id IS NOT NULL ORDER BY d.position DESC LIMIT 1""")
    words: list[str] = re.findall(r"\w+", text)
    return next(word for word in words if word.startswith("zq"))


def guidex(*arguments: str) -> Callable[[], object]:
    """A command as a process, whose output is dropped."""
    command = [sys.executable, "-m", "guidex", *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
    return lambda: subprocess.run(command, check=True, capture_output=True, env=environment)


def measured(run: Path, repetitions: int, datasette: str | None) -> list[Figure]:
    """All figures of a run."""
    figures: list[Figure | None] = []
    with serving(
        sys.executable, "-m", "guidex", "view", str(run.parent), "--port", "0", "--no-browser"
    ) as address:
        for what, path, goal in pages(run):
            figures.append(page_figure(what, address, path, repetitions, (FIRST_BYTE, goal)))
    if datasette is not None:
        with serving(datasette, "serve", "-i", str(run / "run.db"), "--port", "0") as address:
            for table, query in (("documents", ""), ("calls", ""), ("calls", "?_sort_desc=seconds")):
                path = f"/run/{table}{query}"
                figures.append(
                    page_figure(f"Datasette: {table}{query}", address, path, repetitions, (None, None))
                )
    rare = rare_word(run)
    with RunReader(run) as reader:
        for word, name in ((rare, "a rare"), (_EVERYWHERE, "a common")):
            find = partial(find_calls, reader, CallFilter(words=word))
            figures.append(figure(f"search alone: calls with {name} word", find, repetitions, SEARCH))
        figures.append(figure("sweep alone", lambda: sweep(load(reader)), repetitions, SWEEP))
    figures += commands(run, rare, max(1, repetitions // 3))
    return [each for each in figures if each is not None]


def commands(run: Path, rare: str, repetitions: int) -> list[Figure]:
    """The commands that ask the same, and what starting a command takes."""
    given = [
        ("guidex --version: start-up", ("--version",)),
        ("guidex trace calls --search", ("trace", "calls", str(run), "--search", rare)),
        ("guidex threshold sweep", ("threshold", "sweep", str(run))),
    ]
    return [figure(what, guidex(*words), repetitions) for what, words in given]


def report(figures: Sequence[Figure]) -> Iterator[str]:
    """The figures as a table; what misses a goal is marked."""
    yield "| | first byte, ms | whole, ms | longest, ms | kB | goal |"
    yield "|---|---|---|---|---|---|"
    for each in figures:
        first = "" if each.first_byte is None else f"{1000 * each.first_byte:.0f}"
        size = "" if each.size is None else f"{each.size / 1000:.0f}"
        goals = [f"{1000 * goal:.0f}" for goal in (each.goal_first_byte, each.goal_whole) if goal is not None]
        goal = ", ".join(goals) + (" **missed**" if each.missed else "")
        whole, longest = f"{1000 * each.whole:.0f}", f"{1000 * each.longest:.0f}"
        yield f"| {each.what} | {first} | {whole} | {longest} | {size} | {goal} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--run", type=Path, help="folder of a run made by benchmarks.bulk_run")
    options.add_argument("--repetitions", type=int, default=15)
    options.add_argument("--datasette", help="path of the program")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = given.run or made_runs(Path(folder))
        figures = measured(run, given.repetitions, given.datasette)
    if given.json:
        print(json.dumps([asdict(each) | {"missed": each.missed} for each in figures]))
        return
    print(*report(figures), sep="\n")


if __name__ == "__main__":
    main()
