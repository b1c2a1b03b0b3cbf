"""Fixtures of the graph's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from runner_jobs import write_documents


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A file of the documents in `runner_jobs.TEXTS`."""
    return write_documents(tmp_path / "documents.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a run goes."""
    return tmp_path / "runs" / "trial"
