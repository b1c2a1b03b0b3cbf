"""A viewer on real runs, asked as a browser would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from graph.store.records import RunStatus
from graph.store.store import RunStore
from guidex.viewer import create_app
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job

Ask = Callable[[Path], TestClient]

ADDRESS = "http://127.0.0.1:7575"


def make_run(runs: Path, name: str, *, status: RunStatus = RunStatus.DONE) -> None:
    """A run of three documents that nothing has been done about."""
    job = Job(documents=DocumentsConfig(paths=("documents.jsonl",)))
    with RunStore.create(runs / name, name=name, job=job, job_toml="# a job\n", version="0.1.0") as store:
        store.add_documents([Document(id=f"d{number}", text=f"Text {number}.") for number in range(3)])
        store.finish_run(status)


@pytest.fixture
def viewer() -> Iterator[Ask]:
    """Opens the viewer of a folder of runs; its client asks under the viewer's own address."""
    clients: list[TestClient] = []

    def open_viewer(runs: Path) -> TestClient:
        client = TestClient(create_app(runs), base_url=ADDRESS, raise_server_exceptions=False)
        clients.append(client)
        return client

    yield open_viewer
    for client in clients:
        client.close()
