"""The limit on open files, in processes of their own, as a limit once lowered cannot be raised again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no such limit")

CODE = """
import resource, sys
soft, hard, count, pools = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from agents.llm.open_files import allow_connections
from schemas.errors import UsageError
try:
    allow_connections(count, pools)
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
except UsageError as error:
    print(error, error.remedy)
"""


@pytest.mark.parametrize(
    ("soft", "hard", "count", "pools", "told"),
    [
        (1024, 2048, 200, 1, "1024"),
        (256, 2048, 1000, 1, "1128"),
        (256, 4096, 1000, 3, "3128"),
        (256, 2048, 1000, 3, "2048"),
        (256, 512, 1000, 1, "1,000 connections need 1,128 open files, and the system allows 512."),
    ],
)
def test_as_many_files_may_be_open_as_connections_need(
    soft: int, hard: int, count: int, pools: int, told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(soft), str(hard), str(count), str(pools)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(told), done.stdout
    assert ("ulimit -n 1128" in done.stdout) == (hard < count)
