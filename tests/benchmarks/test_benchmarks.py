"""The benchmarks run and print what they promise; how fast anything is, no test says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.bulk_run import make_run

ROOT = Path(__file__).parents[2]


def figures(script: str, *flags: str) -> Any:
    """What a benchmark prints as JSON."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, str(ROOT / "benchmarks" / script), "--json", *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def reported(told: Any) -> str:
    """What `throughput.py` shows people of the same."""
    code = "import json, sys, throughput; print(*throughput.report(json.load(sys.stdin)), sep='\\n')"
    path = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")))
    return subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    ).stdout


def test_all_contenders_send_the_requests_of_a_run() -> None:
    small = ("--documents", "4", "5", "--connections", "2", "--latency", "0.01", "--wide", "0")
    told = figures("throughput.py", *small, "--contenders", "aiohttp,sdk,instructor,guidex")
    rows = {row["contender"]: row for row in told["rows"]}
    assert list(rows) == ["aiohttp", "sdk", "instructor", "guidex"]
    for name, row in rows.items():
        assert (row["calls"], row["requests"], row["lost"]) == (16, 16, 0), row
        assert row["seconds"] > 0 and row["efficiency"] > 0 and row["peak_mib"] > 10, row
        assert row["start_up"] > 0 and row["server_cpu_ms"] > 0, row
        assert name == "guidex" or row["cpu_ms"] > 0  # a tiny run may cost less than its start-up varies
    assert (rows["sdk"]["rate_of_sdk"], rows["sdk"]["cpu_of_sdk"]) == (1, 1)
    assert rows["guidex"]["cpu_of_sdk"] is not None
    assert told["database"]["database"] > told["database"]["said"] > told["database"]["parts"] > 4 * 2500
    assert told["again"]["requests"] == 0
    assert told["store"]["loop_cpu_ms"] > 0
    shown = reported(told)
    for part in (
        "effic.",
        "CPU ms",
        "CPU/sdk",
        "MiB",
        "start s",
        "\nstore ",
        "\ndatabase ",
        "again: 0 requests",
    ):
        assert part in shown, shown
    assert [line.split()[0] for line in shown.splitlines()[1:5]] == list(rows)
    (growth,) = told["growth"]
    assert (growth["documents"], growth["calls"], growth["lost"]) == (5, 20, 0)
    assert growth["database"]["ratio"] > 1


def test_kills_and_faults_are_counted() -> None:
    small = ("--documents", "6", "--connections", "3", "--latency", "0.02", "--fault-latency", "0.01")
    told = figures("recovery.py", "--kills", "1", *small, "--fault-documents", "6", "--seed", "2")
    assert len(told["kills"]) == 1
    for kill in told["kills"]:
        assert 0 < kill["finished"] <= kill["requests"] <= 30, kill
        assert [kill[name] for name in ("repeated", "lost", "different", "unclean")] == [0, 0, 0, 0], kill
        assert kill["in_flight"] <= 3
    faulty = told["faulty"]
    assert (faulty["documents"], faulty["lost"]) == (6, 0)
    assert sum(faulty["kinds"].values()) == faulty["requests"] > 30
    assert faulty["ratio"] > 0 and len(faulty["kinds"]) > 2


def test_pages_and_searches_are_measured_beside_their_goals(tmp_path: Path) -> None:
    run = make_run(tmp_path, documents=12, calls=150)
    told = {row["what"]: row for row in figures("viewer.py", "--run", str(run), "--repetitions", "1")}
    assert {"run", "documents", "document of 3 rounds", "calls with a rare word"} & told.keys()
    for row in told.values():
        assert 0 < row["whole"] <= row["longest"]
        is_page = row["first_byte"] is not None
        assert not is_page or (row["goal_first_byte"] and 0 < row["first_byte"] <= row["longest"])
        assert row["missed"] in (False, True)
    assert told["run"]["goal_whole"] == 1.0
