"""Clients for a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from asking import KEY, Asker


@pytest.fixture
async def asker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asker]:
    monkeypatch.setenv("TEST_KEY", KEY)
    asker = Asker()
    yield asker
    for pool in asker.pools:
        await pool.close()
