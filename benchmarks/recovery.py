"""Whether a killed run loses or repeats anything, and what faults of the server cost.

    python benchmarks/recovery.py                      20 kills, then the run under faults
    python benchmarks/recovery.py --kills 3 --seed 5 --documents 40 --json

Kills: `guidex run` is killed (SIGKILL) at random moments, nine in ten by the number of requests it has sent,
the others while it starts, and the same command is given again. Counted are

- repeated: calls answered in the database at the kill whose request the server received again;
- in flight: requests the server had answered and the run had not yet recorded, which are asked again;
- lost, different: documents, and answers by call, that are missing or not those of an undisturbed run;
- unclean: databases in which SQLite finds a fault after the kill.

Faults: the same documents against a server with 5% 429 (Retry-After 1 s), 2% 500, 10% invalid JSON and 2%
dropped connections, beside an undisturbed run; time from the first request to the last answer. A document is
lost if it failed; an answer may be invalid three times in a row.
Exit code 1 if anything was repeated, lost, different or unclean.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus import write_documents
from processes import GUIDEX, ServerProcess, measured, run_command, started, write_job
from recovered import Content, as_json, content, left_behind

FAULTS = {"limited": 0.05, "failing": 0.02, "invalid": 0.10, "dropped": 0.02, "retry_after": 1.0}


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it; `seconds` is the time of the second run."""

    requests: int
    finished: int
    repeated: int
    in_flight: int
    lost: int
    different: int
    unclean: int
    seconds: float


@dataclass(frozen=True)
class Moment:
    """When to kill: so long after the start, after so many requests, and then so much later; in seconds."""

    starting: float
    requests: int
    later: float


@dataclass(frozen=True)
class Faulty:
    """A run under faults beside an undisturbed one; times in seconds."""

    documents: int
    undisturbed: float
    disturbed: float
    ratio: float
    lost: int
    lost_after_retry: int
    requests: int
    kinds: dict[str, int]


class Recovery:
    """The runs of one benchmark; all work on the same documents."""

    def __init__(self, server: ServerProcess, folder: Path, given: argparse.Namespace) -> None:
        self.server, self.folder, self.given = server, folder, given
        self.runs = folder / "runs"

    def kills(self) -> list[Kill]:
        """Kill so many runs and take each to its end."""
        job = self._job(self.given.documents)
        self.server.begin(self.given.latency)
        whole = measured(self._command(job, "undisturbed")).ended_well()
        counts, asked = self.server.counts(), self.server.asked()
        if left_behind(self.runs / "undisturbed").finished != asked.keys():
            raise SystemExit("The calls in the database cannot be told apart as the server does.")
        wanted = content(self.runs / "undisturbed")
        rng = random.Random(self.given.seed)
        made = []
        for number in range(self.given.kills):
            share = rng.uniform(-0.1, 1)
            starting = max(0.0, -share) * 10 * (counts["first"] - whole.began)
            moment = Moment(starting, int(share * counts["requests"]), rng.uniform(0, self.given.latency))
            made.append(self._kill(job, f"killed-{number}", moment, wanted))
        return made

    def faulty(self) -> Faulty:
        """Run under faults, and without."""
        job = self._job(self.given.fault_documents)
        seconds = []
        for name, faults in (("calm", {}), ("faulty", FAULTS | {"seed": self.given.seed})):
            self.server.begin(self.given.fault_latency, faults)
            measured(self._command(job, name, self.given.fault_connections)).ended_well()
            counts = self.server.counts()
            seconds.append(counts["last"] - counts["first"])
        wanted = content(self.runs / "calm")
        lost = [_lost(wanted, content(self.runs / "faulty"))]
        if lost[0]:
            measured((*GUIDEX, "retry", self.runs / "faulty", "--display", "none"))
            lost.append(_lost(wanted, content(self.runs / "faulty")))
        return Faulty(
            documents=self.given.fault_documents,
            undisturbed=seconds[0],
            disturbed=seconds[1],
            ratio=seconds[1] / seconds[0],
            lost=lost[0],
            lost_after_retry=lost[-1],
            requests=counts["requests"],
            kinds=counts["kinds"],
        )

    def _kill(self, job: Path, name: str, moment: Moment, wanted: Content) -> Kill:
        self.server.begin(self.given.latency)
        command = self._command(job, name)
        process = started(command, subprocess.DEVNULL, subprocess.DEVNULL)
        time.sleep(moment.starting)
        while self.server.counts()["requests"] < moment.requests and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moment.later)
        process.kill()
        process.wait()
        left = left_behind(self.runs / name)
        before = self._settled()
        again = measured(command).ended_well()
        after = self.server.asked()
        got = content(self.runs / name)
        repeated = sum(after[key][0] > before.get(key, [0, 0])[0] for key in left.finished)
        return Kill(
            requests=sum(came for came, _ in before.values()),
            finished=len(left.finished),
            repeated=repeated,
            in_flight=sum(answered > 1 for _, answered in after.values()) - repeated,
            lost=_lost(wanted, got),
            different=_different(wanted, got),
            unclean=bool(left.faults),
            seconds=again.seconds,
        )

    def _settled(self) -> dict[str, list[int]]:
        """What the server was asked, once nothing more arrives from the dead."""
        before: dict[str, list[int]] = {}
        while (now := self.server.asked()) != before:
            before = now
            time.sleep(0.1)
        return now

    def _command(self, job: Path, name: str, connections: int | None = None) -> list[str]:
        width = str(connections or self.given.connections)
        return run_command(job, self.runs, name, "--max-connections", width)

    def _job(self, documents: int) -> Path:
        corpus = write_documents(self.folder / f"{documents}.jsonl", documents)
        return write_job(self.folder / f"{documents}.toml", corpus, self.server.url, annotators=2)


def _lost(wanted: Content, got: Content) -> int:
    """Documents that were decided in one run and are not, or have failed, in the other."""
    undecided = ("pending", "failed")
    return sum(got.decided.get(document, undecided)[0] in undecided for document in wanted.decided)


def _different(wanted: Content, got: Content) -> int:
    documents = sum(got.decided.get(document) != ends for document, ends in wanted.decided.items())
    return documents + len(wanted.answers.items() ^ got.answers.items())


def told(kills: list[Kill], faulty: Faulty | None) -> Iterator[str]:
    """The figures for people."""
    if kills:
        sums = {name: sum(asdict(kill)[name] for kill in kills) for name in asdict(kills[0])}
        moments = sorted(kill.requests for kill in kills)
        yield (
            f"{len(kills)} kills, after {moments[0]} to {moments[-1]} requests; "
            f"{sums['finished']} calls finished before them"
        )
        for name in ("repeated", "in_flight", "lost", "different", "unclean"):
            yield f"  {name.replace('_', ' '):<10}{sums[name]:6}"
        yield f"  to the end: {statistics.median(kill.seconds for kill in kills):.1f} s in the median"
    if faulty:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(faulty.kinds.items()))
        yield f"faults: {faulty.documents} documents, {faulty.requests} requests ({kinds})"
        yield f"  lost      {faulty.lost:6}, {faulty.lost_after_retry} after `guidex retry`"
        yield (
            f"  time      {faulty.ratio:6.2f} times the undisturbed run's "
            f"({faulty.disturbed:.1f} s, {faulty.undisturbed:.1f} s)"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20, help="0: only the run under faults")
    parser.add_argument("--seed", type=int, default=7, help="of the moments and of the faults")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds")
    parser.add_argument("--fault-documents", type=int, default=400, help="0: no run under faults")
    parser.add_argument("--fault-connections", type=int, default=32)
    parser.add_argument("--fault-latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ServerProcess() as server:
        recovery = Recovery(server, Path(folder), given)
        kills = recovery.kills() if given.kills else []
        faulty = recovery.faulty() if given.fault_documents else None
    if given.json:
        print(as_json({"kills": [asdict(kill) for kill in kills], "faulty": faulty and asdict(faulty)}))
    else:
        print(*told(kills, faulty), sep="\n")
    bad = sum(kill.repeated + kill.lost + kill.different + kill.unclean for kill in kills)
    return 1 if bad or (faulty and faulty.lost) else 0


if __name__ == "__main__":
    sys.exit(main())
