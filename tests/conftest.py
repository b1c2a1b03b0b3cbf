"""Fixtures for all tests; this folder is on the import path, so that `servers` can be imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from servers.scripted import Script, ScriptedServer, agreeable

if TYPE_CHECKING:
    from servers.collector import Collector


@pytest.fixture(scope="session")
def _server_pool() -> Iterator[list[ScriptedServer]]:
    """Servers between tests: stopping one takes uvicorn a fifth of a second."""
    servers: list[ScriptedServer] = []
    yield servers
    for server in servers:
        server.__exit__()


@pytest.fixture
def scripted_server(_server_pool: list[ScriptedServer]) -> Iterator[Callable[..., ScriptedServer]]:
    """Starts servers: `server = scripted_server(script)`; without a script it agrees to everything."""
    taken: list[ScriptedServer] = []

    def start(script: Script = agreeable, key: str | None = None) -> ScriptedServer:
        idle = _server_pool.pop() if _server_pool else ScriptedServer(script).__enter__()
        taken.append(idle.restart(script, key))
        return idle

    yield start
    _server_pool.extend(server for server in taken if server.running)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of OpenTelemetry traces on loopback."""
    from servers.collector import collecting

    with collecting() as found:
        yield found
