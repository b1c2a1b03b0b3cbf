"""How long `guidex --help` takes to start, and that it loads nothing heavy.

    python benchmarks/startup.py [--runs 15]

Prints the median of runs of `guidex --help`, and of an empty Python process beside it. Fails when the
median is above the budget, or when one of the heavy packages was imported.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

BUDGET = 0.300
"""Seconds; see DESIGN, section 6."""

HEAVY = (
    "langgraph",
    "instructor",
    "openai",
    "anthropic",
    "torch",
    "pydantic",
    "pyarrow",
    "xllamacpp",
    "rich",
)

HELP = [sys.executable, "-m", "guidex", "--help"]
NOTHING = [sys.executable, "-c", "pass"]
_LOADED = """
import sys
from guidex.cli import main
main(["--help"])
print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def median_seconds(command: list[str], runs: int) -> float:
    """Median wall time of a command over so many runs, after one that warms the file cache."""
    times = []
    for number in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if number:
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def heavy_imports() -> list[str]:
    """Heavy packages that `guidex --help` imports."""
    done = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True)
    loaded = done.stderr.partition("loaded:")[2].split()
    return [name for name in HEAVY if name in loaded]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    empty, start = median_seconds(NOTHING, runs), median_seconds(HELP, runs)
    heavy = heavy_imports()
    print(f"python -c pass   {empty * 1000:6.0f} ms")
    print(f"guidex --help    {start * 1000:6.0f} ms   (budget {BUDGET * 1000:.0f} ms)")
    print(f"heavy imports    {', '.join(heavy) or 'none'}")
    return 0 if start < BUDGET and not heavy else 1


if __name__ == "__main__":
    sys.exit(main())
