"""The scripted server as a process of its own, for benchmarks and for trying things out.

    PYTHONPATH=tests python -m servers --port 8000 --latency 0.2 --limited 0.05 --failing 0.02

Its first line of output is its address; it serves until it is interrupted. Beside the two wire formats:

    GET  /counts    requests by what became of them, time of the first request and when the last answer was
                    due, settings, CPU seconds and memory of the server
    GET  /asked     for each request by its content: how often it came, how often it was answered well
    POST /settings  {"latency": 0.2, "faults": {"limited": 0.05}, "record": FILE}: other settings, and counts
                    from nothing; the bodies of requests are written to FILE, one a line
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import signal
import socket
import time
from dataclasses import fields
from typing import Any, BinaryIO

from aiohttp import web
from servers.faults import Faults, Faulty
from servers.scripted import Call, Speaking, Turn, agreeable, serving, thorough

SCRIPTS = {"agreeable": agreeable, "thorough": thorough}


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--script", choices=sorted(SCRIPTS), default="thorough")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of every answer")
    for field in fields(Faults):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    return parser


class Observed(Speaking):
    """The server with pages about itself, its requests timed and, if asked for, written to a file."""

    script: Faulty

    def __init__(self, script: Faulty) -> None:
        pages = {"/counts": self.counts, "/asked": self.asked, "/settings": self.settings}
        super().__init__(script, pages=pages)
        self._record: BinaryIO | None = None
        self._begin()

    def _begin(self, record: str | None = None) -> None:
        self._first: float | None = None
        self._last: float | None = None
        if self._record:
            self._record.close()
        self._record = open(record, "wb") if record else None

    def turn(self, call: Call) -> Turn:
        """What the script says to a call, which is noted."""
        now = time.time()
        said = super().turn(call)
        self._first = self._first or now
        self._last = max(self._last or 0.0, now + (0.0 if isinstance(said, dict | str) else said.delay))
        if self._record:
            self._record.write(call.raw + b"\n")
            self._record.flush()
        return said

    async def counts(self, _: web.BaseRequest) -> web.Response:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        own = {"first": self._first, "last": self._last, "cpu": time.process_time(), "peak_mib": round(peak)}
        return web.json_response({**self.script.told(), **own})

    async def asked(self, _: web.BaseRequest) -> web.Response:
        return web.json_response(self.script.asked)

    async def settings(self, request: web.BaseRequest) -> web.Response:
        given: dict[str, Any] = json.loads(await request.content.read())
        self.script.begin_anew(Faults(**given.get("faults", {})), given.get("latency", 0.0))
        self._begin(given.get("record"))
        return web.json_response(self.script.told())


async def serve(given: argparse.Namespace) -> None:
    faults = Faults(**{field.name: getattr(given, field.name) for field in fields(Faults)})
    speaking = Observed(Faulty(SCRIPTS[given.script], faults, given.latency))
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with contextlib.closing(socket.socket()) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", given.port))
        async with serving(speaking, listening):
            print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
            await ended.wait()


def main() -> None:
    given = options().parse_args()
    try:
        from uvloop import new_event_loop
    except ImportError:
        new_event_loop = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(given))


if __name__ == "__main__":
    main()
