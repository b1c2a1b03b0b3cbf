"""One contender of `throughput.py`, in a process of its own: the same requests by other means.

    python benchmarks/contenders.py sdk --url http://127.0.0.1:8000 --requests FILE --connections 128

`aiohttp` posts them as they are; `sdk` is the openai SDK on its aiohttp transport, with asyncio; `httpx` the
same on its default transport; `instructor` is instructor in its default use over the default SDK. FILE has a
line per document: the bodies of its requests, sent one after the other. Prints answers, CPU and memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from footprint import peak_mib

Body = dict[str, Any]
Ask = Callable[[Body], Awaitable[Any]]
KEY = "none"
TIMEOUT = 120.0


class Requests:
    """The bodies by document; the CPU time of reading them is kept apart."""

    def __init__(self, path: Path) -> None:
        self._lines = path.open("rb")
        self.cpu = 0.0
        self.count = 0

    def __iter__(self) -> Iterator[list[Body]]:
        for line in self._lines:
            before = time.process_time()
            bodies = json.loads(line)
            self.cpu += time.process_time() - before
            self.count += len(bodies)
            yield bodies


def aiohttp(url: str, connections: int) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    import aiohttp

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections), timeout=aiohttp.ClientTimeout(TIMEOUT)
    )

    async def ask(body: Body) -> Any:
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            response.raise_for_status()
            return json.loads((await response.json())["choices"][0]["message"]["content"])

    return ask, session.close


def sdk(url: str, connections: int, transport: str = "aiohttp") -> tuple[Ask, Callable[[], Awaitable[None]]]:
    import httpx2
    import openai

    client_class = openai.DefaultAioHttpClient if transport == "aiohttp" else openai.DefaultAsyncHttpxClient
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    client = openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key=KEY, http_client=client_class(limits=limits, timeout=TIMEOUT)
    )

    async def ask(body: Body) -> Any:
        response = await client.chat.completions.create(**body)
        return json.loads(response.choices[0].message.content or "")

    return ask, client.close


def httpx(url: str, connections: int) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    return sdk(url, connections, "httpx")


def instructor(url: str, connections: int) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    import instructor
    import openai

    raw = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, timeout=TIMEOUT)
    client = instructor.from_openai(raw)
    models = _response_models()

    async def ask(body: Body) -> Any:
        wanted = body["response_format"]["json_schema"]["name"]
        rest = {name: value for name, value in body.items() if name != "response_format"}
        model = models.get(wanted, models["annotation"])
        return await client.chat.completions.create(response_model=model, **rest)

    return ask, raw.close


def _response_models() -> dict[str, Any]:
    """Models of the agents' answers; one for all annotations, as a user of instructor would write it."""
    from pydantic import Field, create_model

    from agents.critique_answer import Critique
    from agents.guideline_writer import FullGuidelines
    from agents.schema_designer import Design

    quotes = Field(description="Mentions, copied from the document.")
    classes = dict.fromkeys(("Person", "Place", "Vessel", "Instrument"), (list[str], quotes))
    fixed = {model.__name__: model for model in (Design, FullGuidelines, Critique)}
    return {**fixed, "annotation": create_model("Annotation", **classes)}


CONTENDERS = {"aiohttp": aiohttp, "sdk": sdk, "httpx": httpx, "instructor": instructor}


async def drive(
    make: Callable[[str, int], tuple[Ask, Callable[[], Awaitable[None]]]],
    requests: Requests,
    url: str,
    connections: int,
) -> int:
    """Work on so many documents at a time; the number of requests that came to nothing."""
    ask, close = make(url, connections)
    documents = iter(requests)
    lost = 0

    async def worker() -> None:
        nonlocal lost
        for bodies in documents:
            for body in bodies:
                try:
                    await ask(body)
                except Exception:
                    lost += 1

    await asyncio.gather(*(worker() for _ in range(connections)))
    await close()
    return lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name", choices=sorted(CONTENDERS))
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--connections", type=int, required=True)
    given = parser.parse_args()
    make = CONTENDERS[given.name]
    asyncio.run(_nothing(make, given.url))  # imports are start-up
    requests = Requests(given.requests)
    before = time.process_time()
    lost = asyncio.run(drive(make, requests, given.url, given.connections))
    cpu = time.process_time() - before - requests.cpu
    print(json.dumps({"answered": requests.count - lost, "cpu": cpu, "peak_mib": peak_mib()}))


async def _nothing(make: Callable[[str, int], tuple[Ask, Callable[[], Awaitable[None]]]], url: str) -> None:
    _, close = make(url, 1)
    await close()


if __name__ == "__main__":
    main()
