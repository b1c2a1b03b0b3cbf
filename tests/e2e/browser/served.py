"""A viewer served in a thread, and the browser to look at it with."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import uvicorn

from guidex.viewer import create_app


class Served:
    """The viewer of a folder of runs on a free port of loopback; a context manager."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.app = create_app(runs)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    @property
    def address(self) -> str:
        """Its origin: `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Served:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=20)
        self._socket.close()
