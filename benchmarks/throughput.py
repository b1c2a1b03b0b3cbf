"""What GuideX costs beside the bare SDK: calls a second, CPU a call, memory, start-up, size of the database.

    python benchmarks/throughput.py                                  the table of docs/performance.md
    python benchmarks/throughput.py --documents 1000 20000 --connections 128 --wide 0 --contenders guidex
    python benchmarks/throughput.py --peers FOLDER --wide 0     with curator and data-designer, in FOLDER
    python benchmarks/throughput.py --faults limited=0.05,failing=0.02 --connections 32 --wide 0

One scripted server answers all contenders, each of which runs in a process of its own, one after the other.
`guidex` is the command `guidex run` with everything on, `adaptive` the same with concurrency of its own
choice, from 8 connections; `contenders.py` describes the others. They send the requests that GuideX was
recorded to send: per document a designer, a writer, `--annotators` annotators and a critic, in this order.

Peers (`peers.py`) chain four steps over the same prompts. They depend on services this benchmark does not
reach (encodings, telemetry); what they print about that does not matter.

- efficiency: calls a second over connections / latency, from the first request to the last answer;
- CPU: user and system time of the process over its calls, without start-up (imports; for GuideX a run of one
  document); of GuideX this includes reading documents, all decisions, and closing the database;
- start-up: from the start of the process to its first request;
- of the SDK: the contender's rate and CPU over those of `sdk` in the same scenario.

Wall times mean something on an idle machine only; the server needs a core of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from corpus import write_documents
from peers import PEERS, peer_command
from processes import ROOT, Measured, ServerProcess, allow_many_connections, measured, run_command, write_job
from sizes import database_sizes

OURS = ("guidex", "adaptive")
OTHERS = ("aiohttp", "sdk", "instructor", "httpx")
DEFAULT = ("aiohttp", "sdk", "instructor", "guidex", "adaptive")
WIDE = ("sdk", "guidex")
"""Who is driven at `--wide` connections."""

_DOCUMENT = re.compile(rb"<document>\\n(.*?)\\n</document>")


@dataclass(frozen=True)
class Row:
    """One contender in one scenario; times in seconds, memory in MiB."""

    contender: str
    documents: int
    connections: int
    latency: float
    calls: int
    seconds: float
    efficiency: float
    cpu_ms: float
    peak_mib: float
    start_up: float
    lost: int
    requests: int
    server_cpu_ms: float
    rate_of_sdk: float | None = None
    cpu_of_sdk: float | None = None


@dataclass(frozen=True)
class Scenario:
    """How the contenders are driven."""

    documents: int
    connections: int
    latency: float
    faults: dict[str, float]


class Bench:
    """The files and the server that all contenders share."""

    def __init__(
        self,
        server: ServerProcess,
        folder: Path,
        documents: int,
        annotators: int,
        start: Measured | None = None,
        peers: Path = Path(),
    ) -> None:
        self.server, self.documents, self.peers = server, documents, peers
        self.runs = folder / f"runs-{documents}"
        self.requests = folder / "requests.jsonl"
        self._bodies = folder / "bodies"
        corpus = write_documents(folder / f"{documents}.jsonl", documents)
        self.job = write_job(folder / f"{documents}.toml", corpus, server.url, annotators)
        self.calls = documents * (3 + annotators)
        self._start = start

    def start(self) -> Measured:
        """A run of one document at no latency: what a run costs before it works."""
        if self._start is None:
            self.server.begin(0)
            command = run_command(self.job, self.runs, "start", "--limit", "1")
            self._start = measured(command).ended_well()
        return self._start

    def record(self) -> None:
        """Let GuideX work on all documents, and keep its requests for the others to send."""
        self.server.begin(0, record=self._bodies)
        measured(run_command(self.job, self.runs, "recorded", "--max-connections", "32")).ended_well()
        self.server.begin(0)
        # In a process of its own: memory of this one would count as memory of its children.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            pool.submit(arrange, self._bodies, self.requests).result()
        self._bodies.unlink()
        shutil.rmtree(self.runs / "recorded")

    def row(self, contender: str, scenario: Scenario) -> Row:
        """Drive one contender."""
        ours = contender in OURS
        start = self.start() if ours else None
        self.server.begin(scenario.latency, scenario.faults)
        before = self.server.counts()["cpu"]
        done = self._guidex(contender, scenario) if ours else self._other(contender, scenario)
        counts = self.server.counts()
        if start is not None:
            lost = self.documents - done.json["documents"]["accepted"]
            assert sum(done.json["documents"].values()) == 2 * self.documents, done.json["documents"]
            cpu, peak = done.cpu - start.cpu, done.peak_mib
        else:
            told = json.loads(done.out.splitlines()[-1])  # peers print much before it
            lost, cpu, peak = self.calls - told["answered"], told["cpu"], told["peak_mib"]
        calls = counts["distinct"] if ours else self.calls
        seconds = counts["last"] - counts["first"]
        return Row(
            contender=contender,
            documents=self.documents,
            connections=scenario.connections,
            latency=scenario.latency,
            calls=calls,
            seconds=seconds,
            efficiency=calls / seconds * scenario.latency / scenario.connections,
            cpu_ms=1000 * cpu / calls,
            peak_mib=peak,
            start_up=counts["first"] - done.began,
            lost=lost,
            requests=counts["requests"],
            server_cpu_ms=1000 * (counts["cpu"] - before) / counts["requests"],
        )

    def command(self, contender: str, scenario: Scenario) -> list[str]:
        """The command line of a run of GuideX."""
        width = scenario.connections
        flags = ("--max-connections", f"{width}")
        if contender == "adaptive":
            flags = ("--adaptive-connections", f"1-{min(8, width)}-{width}")
        return run_command(self.job, self.runs, self.name(contender, scenario), *flags)

    def name(self, contender: str, scenario: Scenario) -> str:
        """The run's name."""
        return f"{contender}-{scenario.connections}-{self.documents}"

    def _guidex(self, contender: str, scenario: Scenario) -> Measured:
        return measured(self.command(contender, scenario)).ended_well()

    def _other(self, contender: str, scenario: Scenario) -> Measured:
        command = [sys.executable, str(ROOT / "benchmarks" / "contenders.py"), contender]
        if contender in PEERS:
            command = peer_command(contender, self.peers)
        given = ("--url", self.server.url, "--requests", str(self.requests))
        width = ("--connections", str(scenario.connections))
        return measured([*command, *given, *width]).ended_well()


def arrange(bodies: Path, requests: Path) -> None:
    """Sort recorded requests by document; within one they stay in the order in which they came."""
    by_document: dict[bytes, list[bytes]] = {}
    for line in bodies.read_bytes().splitlines():
        found = _DOCUMENT.search(line)
        assert found, "a recorded request without a document"
        by_document.setdefault(found[1], []).append(line)
    with requests.open("wb") as file:
        for lines in by_document.values():
            file.write(b"[" + b",".join(lines) + b"]\n")


def compared(rows: list[Row]) -> list[Row]:
    """The same rows, each beside the SDK in the same scenario."""
    sdk = {(row.connections, row.latency): row for row in rows if row.contender == "sdk"}
    out = []
    for row in rows:
        beside = sdk.get((row.connections, row.latency))
        if beside is not None:
            rate = row.calls / row.seconds / (beside.calls / beside.seconds)
            row = replace(row, rate_of_sdk=rate, cpu_of_sdk=row.cpu_ms / beside.cpu_ms)
        out.append(row)
    return out


def again(bench: Bench, scenario: Scenario) -> dict[str, Any]:
    """A finished run started again: requests it sends (none), and how long it takes."""
    bench.server.begin(scenario.latency)
    done = measured(bench.command("guidex", scenario)).ended_well()
    allowed = 2 + 0.001 * bench.documents
    return {"requests": bench.server.counts()["requests"], "seconds": done.seconds, "allowed": allowed}


def store_share(documents: int) -> dict[str, float]:
    """What the run database costs, measured apart."""
    script = str(ROOT / "benchmarks" / "store_writes.py")
    command = [sys.executable, script, "--json", "--documents", str(documents)]
    share: dict[str, float] = measured(command).ended_well().json
    return share


def table(rows: list[Row]) -> Iterator[str]:
    """The rows for people."""
    yield (
        f"{'':<12}{'conn.':>6}{'latency':>8}{'calls/s':>9}{'effic.':>8}{'CPU ms':>8}"
        f"{'rate/sdk':>10}{'CPU/sdk':>9}{'MiB':>6}{'start s':>9}{'lost':>6}"
    )
    for row in rows:
        rate = f"{row.rate_of_sdk:10.2f}{row.cpu_of_sdk:9.2f}" if row.rate_of_sdk else f"{'':19}"
        yield (
            f"{row.contender:<12}{row.connections:6}{row.latency:8g}{row.calls / row.seconds:9.0f}"
            f"{row.efficiency:8.2f}{row.cpu_ms:8.2f}{rate}{row.peak_mib:6.0f}{row.start_up:9.1f}{row.lost:6}"
        )


def report(told: dict[str, Any]) -> Iterator[str]:
    """All that was measured, for people."""
    yield from table([Row(**row) for row in told["rows"]])
    yield ""
    cost = max(row["server_cpu_ms"] for row in told["rows"])
    yield f"server       {cost:.2f} ms of CPU a request at most"
    if "store" in told:
        store = told["store"]
        yield (
            f"store        {store['loop_cpu_ms']:.2f} ms of CPU a call in the event loop's thread, "
            f"{store['beside_cpu_ms']:.2f} for search index and checkpoints (store_writes.py)"
        )
        yield from (_size(told["database"]), _again(told["again"]))
    for row in told["growth"]:
        first = next(r for r in told["rows"] if _same_but_documents(r, row))
        yield (
            f"{row['documents']:,} documents: {row['calls'] / row['seconds']:.0f} calls/s, "
            f"{row['cpu_ms']:.2f} ms of CPU a call, {row['peak_mib']:.0f} MiB, "
            f"{row['peak_mib'] / first['peak_mib'] - 1:+.0%} of {first['documents']:,} documents; "
            f"{row['lost']} lost; {_size(row['database'])}"
        )


def _same_but_documents(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(first[key] == second[key] for key in ("contender", "connections", "latency"))


def _size(sizes: dict[str, float]) -> str:
    return (
        f"database     {sizes['database'] / 2**20:.1f} MiB, {sizes['ratio']:.2f} times prompts and answers "
        f"stored once ({sizes['said'] / 2**20:.1f} MiB)"
    )


def _again(again: dict[str, float]) -> str:
    return (
        f"started again: {again['requests']} requests, {again['seconds']:.1f} s "
        f"(2 s and 1 ms a document are {again['allowed']:.1f} s)"
    )


def measure(given: argparse.Namespace, server: ServerProcess, folder: Path) -> dict[str, Any]:
    """All rows and figures."""
    first, *further = given.documents
    bench = Bench(server, folder, first, given.annotators, peers=given.peers)
    names = [*given.contenders, *(PEERS if given.peers else ())]
    if not set(names) <= set(OURS):
        bench.record()
    scenarios = [(Scenario(first, width, given.latency, given.faults), names) for width in given.connections]
    if given.wide:
        wide = [name for name in names if name in WIDE]
        scenarios.append((Scenario(first, given.wide, given.wide_latency, given.faults), wide))
    rows = [bench.row(name, scenario) for scenario, names in scenarios for name in names]
    told: dict[str, Any] = {"rows": [asdict(row) for row in compared(rows)], "growth": []}
    if "guidex" in given.contenders:
        scenario = Scenario(first, given.connections[-1], given.latency, given.faults)
        told["database"] = database_sizes(bench.runs / bench.name("guidex", scenario))
        told["again"] = again(bench, scenario)
        told["store"] = store_share(first)
        for count in further:
            larger = Bench(server, folder, count, given.annotators, bench.start())
            row = larger.row("guidex", replace(scenario, documents=count))
            told["growth"].append(
                asdict(row) | {"database": database_sizes(larger.runs / larger.name("guidex", scenario))}
            )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--documents", type=int, nargs="+", default=[1000], help="further counts: GuideX alone"
    )
    parser.add_argument("--annotators", type=int, default=1, help="1: four calls a document")
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--wide", type=int, default=1000, help="connections of a last scenario; 0: none")
    parser.add_argument("--wide-latency", type=float, default=2.0, help="seconds")
    parser.add_argument(
        "--contenders", type=names_of, default=DEFAULT, metavar="A,B", help=", ".join(OURS + OTHERS)
    )
    parser.add_argument("--faults", type=shares, default={}, metavar="KIND=SHARE,...")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="measure peers, too, installed there")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.peers and given.annotators != 1:
        parser.error("--peers chains four steps: --annotators 1")
    allow_many_connections()
    with tempfile.TemporaryDirectory() as folder, ServerProcess() as server:
        told = measure(given, server, Path(folder))
    if given.json:
        print(json.dumps(told, indent=1))
        return
    print(*report(told), sep="\n")


def names_of(value: str) -> tuple[str, ...]:
    """Contenders by name."""
    names = tuple(value.split(","))
    if unknown := set(names) - set(OURS + OTHERS):
        raise argparse.ArgumentTypeError(f"no such contender: {', '.join(sorted(unknown))}")
    return names


def shares(value: str) -> dict[str, float]:
    """`limited=0.05,failing=0.02` as a mapping."""
    return {kind: float(share) for kind, _, share in (part.partition("=") for part in value.split(","))}


if __name__ == "__main__":
    main()
