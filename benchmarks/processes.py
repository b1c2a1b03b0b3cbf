"""The processes of a benchmark: the scripted server, and commands whose time and memory are measured."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
GUIDEX = (sys.executable, "-m", "guidex")
sys.path.append(str(ROOT / "tests"))  # where the package of the server is


class ServerProcess:
    """The scripted server of the tests in a process of its own; a context manager."""

    def __enter__(self) -> ServerProcess:
        path = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "servers"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise SystemExit("The scripted server does not start; its reason stands above.")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def begin(
        self, latency: float, faults: Mapping[str, float] | None = None, record: Path | None = None
    ) -> None:
        """Answer after so many seconds, with these faults, and count from nothing."""
        settings = {"latency": latency, "faults": faults or {}, "record": str(record) if record else None}
        self._page("/settings", json.dumps(settings).encode())

    def counts(self) -> dict[str, Any]:
        """What it was asked since `begin`."""
        counts: dict[str, Any] = self._page("/counts")
        return counts

    def asked(self) -> dict[str, list[int]]:
        """By the content of requests: how often each came, and how often it was answered well."""
        asked: dict[str, list[int]] = self._page("/asked")
        return asked

    def _page(self, path: str, posted: bytes | None = None) -> Any:
        with urllib.request.urlopen(self.url + path, data=posted, timeout=60) as response:
            return json.load(response)


@dataclass(frozen=True)
class Measured:
    """A command that has ended.

    Attributes:
        code: Its exit status; minus the signal's number if it was killed.
        out: Standard output.
        err: Standard error.
        began: Time of its start, as `time.time` gives it.
        seconds: Wall time.
        cpu: CPU time of all its threads, user and system.
        peak_mib: Most memory it had at once. Linux counts from the memory of the parent at its start.
    """

    code: int
    out: str
    err: str
    began: float
    seconds: float
    cpu: float
    peak_mib: float

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)

    def ended_well(self) -> Measured:
        """Itself, or the end of the benchmark if the command failed."""
        if self.code != 0:
            raise SystemExit(f"A command failed with {self.code}:\n{self.out[-2000:]}\n{self.err[-2000:]}")
        return self


def measured(command: Sequence[str | Path]) -> Measured:
    """Run a command to its end, from the repository's root, and measure it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.time()
        process = started(command, out, err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.time() - began
        process.returncode = os.waitstatus_to_exitcode(status)  # nothing is left for Popen to wait for
        out.seek(0)
        err.seek(0)
        return Measured(
            code=process.returncode,
            out=out.read(),
            err=err.read(),
            began=began,
            seconds=seconds,
            cpu=usage.ru_utime + usage.ru_stime,
            peak_mib=usage.ru_maxrss / 1024,
        )


def started(command: Sequence[str | Path], out: Any, err: Any) -> subprocess.Popen[str]:
    """A command on its way, from the repository's root, with a key that no server asks for."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GUIDEX_")}
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        env=own | {"OPENAI_API_KEY": "none", "PYTHONPATH": str(ROOT)},
        stdout=out,
        stderr=err,
        text=True,
    )


def allow_many_connections() -> None:
    """Raise the limit on open files as far as this user may; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def write_job(path: Path, documents: Path, url: str, annotators: int = 1) -> Path:
    """A job over the documents against a server; one annotator makes four calls a document."""
    orders = ('{ class_order = "schema" }', '{ class_order = "reversed" }', '{ class_order = "shuffled" }')
    path.write_text(
        f"documents = {{ paths = [{json.dumps(str(documents))}] }}\n"
        f'model = {{ name = "openai/scripted", base_url = "{url}/v1" }}\n'
        f"annotators = [{', '.join(orders[number % 3] for number in range(annotators))}]\n",
        encoding="utf-8",
    )
    return path


def run_command(job: Path, runs: Path, name: str, *flags: str) -> list[str]:
    """`guidex run` of a job, without display and with its result as JSON."""
    folder = ("--runs-dir", str(runs), "--name", name, "--display", "none", "--json")
    return [*GUIDEX, "run", str(job), *folder, *flags]
