"""Serving the viewer until Ctrl-C."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from finetune.gold import Gold
from guidex.cli.console import safe
from guidex.viewer.app import LOOPBACK, create_app
from schemas.errors import UsageError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(
    runs: Path,
    host: str,
    port: int,
    names: Sequence[str],
    path: str,
    on_ready: Callable[[str], None],
    *,
    browser: bool,
    gold: Gold | None = None,
) -> None:
    """Serve the viewer until the process is interrupted.

    Args:
        runs: The folder that holds the runs' folders.
        host: Address to listen on.
        port: Port; 0 for any that is free.
        names: Further names under which it may be asked, beside those of this machine and `host`.
        path: The page to begin with.
        on_ready: Told the address of that page once the server listens.
        browser: Whether to open that page in the browser.
        gold: Gold annotations, by which thresholds are measured.

    Raises:
        UsageError: The address is taken, or is none of this machine.
    """
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # the address is said already
        raise UsageError(
            f"The viewer cannot listen on {host}:{port}: {reason}.",
            "Choose another --port (0 takes any that is free), or another --host.",
        ) from error
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}{path}"
    _log_visibly()
    app = create_app(runs, {*LOOPBACK, shown, *names}, gold=gold)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off")
    )
    on_ready(address)
    if browser:
        # The socket listens already, so that the browser may ask before the server runs.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    with listening:
        server.run(sockets=[listening])


class _Visible(logging.Formatter):
    """What is logged may quote documents and models: no control characters reach the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return safe(super().format(record), lines=True)


def _log_visibly() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Visible("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
