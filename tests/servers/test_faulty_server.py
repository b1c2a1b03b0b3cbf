"""The scripted server's faults come by seed and are counted; the same server runs as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from servers.faults import ANSWERED, Faults, Faulty, content_key
from servers.scripted import ScriptedServer, agreeable

ROOT = Path(__file__).parents[2]
SCHEMA = {"type": "object", "properties": {"facts": {"type": "array", "items": {"type": "string"}}}}
EACH = Faults(
    limited=0.1, failing=0.1, invalid=0.1, truncated=0.1, dropped=0.1, slow=0.1, retry_after=2, seed=5
)


def body(number: int) -> dict[str, Any]:
    wanted = {"type": "json_schema", "json_schema": {"name": "Facts", "schema": SCHEMA}}
    text = f"<document>\nCaptain Roberts left Lisbon harbour {number} times.\n</document>"
    return {"model": "m", "messages": [{"role": "user", "content": text}], "response_format": wanted}


async def said(session: aiohttp.ClientSession, url: str, number: int) -> str:
    """What became of a request, told by the client from what it received."""
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body(number)) as response:
            if response.status != 200:
                limited = response.status == 429 and response.headers["Retry-After"] == "2"
                return "limited" if limited else "failing"
            choice = (await response.json())["choices"][0]
    except aiohttp.ClientError:
        return "dropped"
    try:
        json.loads(choice["message"]["content"])
    except ValueError:
        return "truncated" if choice["finish_reason"] == "length" else "invalid"
    return ANSWERED


async def ask(url: str, numbers: list[int]) -> list[str]:
    async with aiohttp.ClientSession() as session:
        return list(await asyncio.gather(*(said(session, url, number) for number in numbers)))


async def test_faults_come_by_seed_and_content_in_any_order(
    scripted_server: Callable[..., ScriptedServer],
) -> None:
    seen = []
    for numbers in (list(range(120)), list(reversed(range(120)))):
        script = Faulty(agreeable, EACH)
        told = dict(zip(numbers, await ask(scripted_server(script).url, numbers), strict=True))
        seen.append(told)
        kinds = Counter(told.values())
        slow = script.counts["slow"]  # to the client, an answer like any other
        assert {**script.counts, ANSWERED: script.counts[ANSWERED] + slow, "slow": 0} == {**kinds, "slow": 0}
        assert all(2 <= script.counts[kind] <= 30 for kind in Faults.KINDS)
        assert script.told()["requests"] == script.told()["distinct"] == 120
    assert seen[0] == seen[1]
    other = Faulty(agreeable, Faults(**{**EACH.__dict__, "seed": 6}))
    assert await ask(scripted_server(other).url, list(range(120))) != list(seen[0].values())


async def test_a_repeated_request_is_drawn_anew_and_counted(
    scripted_server: Callable[..., ScriptedServer],
) -> None:
    script = Faulty(agreeable, Faults(failing=0.5))
    server = scripted_server(script)
    told = [(await ask(server.url, [7]))[0] for _ in range(12)]
    assert {"failing", ANSWERED} == set(told)
    ((key, (came, answered)),) = script.asked.items()
    assert key == content_key([body(7)["messages"][0]["content"]], None)
    assert (came, answered) == (12, told.count(ANSWERED))
    assert script.told()["answered_again"] == answered - 1


def test_shares_are_met_whatever_the_requests_say() -> None:
    faults = Faults(limited=0.05, dropped=0.02, seed=3)
    kinds = Counter(faults.drawn(str(number), 1) for number in range(20_000))
    assert 0.04 < kinds["limited"] / 20_000 < 0.06
    assert 0.015 < kinds["dropped"] / 20_000 < 0.025
    assert set(kinds) == {"limited", "dropped", ANSWERED}


@pytest.fixture
def address() -> Iterator[str]:
    """A server in a process of its own that fails every request."""
    path = os.pathsep.join((str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")))
    command = [sys.executable, "-m", "servers", "--failing", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(timeout=20) == 0


def page(url: str, posted: Any = None) -> Any:
    data = None if posted is None else json.dumps(posted).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=20) as response:
        return json.load(response)


async def test_a_server_process_says_what_it_was_asked_and_takes_other_settings(
    address: str, tmp_path: Path
) -> None:
    assert await ask(address, [1, 1, 2]) == ["failing"] * 3
    counts = page(f"{address}/counts")
    assert (counts["requests"], counts["kinds"], counts["distinct"]) == (3, {"failing": 3}, 2)
    assert counts["cpu"] > 0 and counts["first"] <= counts["last"]
    assert sorted(page(f"{address}/asked").values()) == [[1, 0], [2, 0]]
    page(f"{address}/settings", {"latency": 0.01, "record": str(tmp_path / "bodies")})
    assert await ask(address, [1]) == [ANSWERED]
    again = page(f"{address}/counts")
    assert (again["requests"], again["kinds"], again["latency"]) == (1, {ANSWERED: 1}, 0.01)
    assert [json.loads(line) for line in (tmp_path / "bodies").read_bytes().splitlines()] == [body(1)]
