"""The embedded model in this process: loading, serving, grounded decoding."""

from __future__ import annotations

import asyncio
import random
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import pytest

from agents.llm.client import Answer, CallFailedError, CallFault, Message, Purpose, Request, Sampling
from agents.llm.embedded import resolve_gguf
from agents.llm.factory import ClientPool, probe
from agents.llm.grounding import quote_rules
from agents.llm.local import LocalClient, LocalServer, decoding_threads
from schemas.errors import ModelUnavailableError, UsageError
from schemas.job import ModelConfig
from schemas.judgement import Agent

NASTY = {
    "quotes": 'He said "Hello" and """triple""" and \'single\' and \\"escaped\\" things to "Ada".',
    "backslashes": r"Files lie in C:\new\table\users and \\server\share; \n is no line, \u0041 no letter.",
    "control": "Bell\x07 here, nul\x00there, escape\x1b[31m red\x1b[0m, delete\x7f now.",
    "lines": "First line\nsecond line\r\n\r\nThird\tparagraph \n \n fourth.   Spaces   too.",
    "emoji": "\U0001f469\u200d\U0001f467 \U0001f1f3\U0001f1f4 \U0001f44d\U0001f3fd \u2764\ufe0f \U0001f600",
    "right-to-left": "\u05e9\u05dc\u05d5\u05dd \u05e2\u05dc \u0645\u0631\u062d\u0628\u0627 \u202eabc\u202c",
    "marks": "\u0301lone e\u0301\u0302 n\u0303ina \u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f",
    "east": "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u6771\u4eac\u306b\u884c\u304f\u3002",
    "json": '{"mentions": [{"class": "Person", "quote": "x"}]} result = [] %llguidance {} start: /.*/',
    "separators": "one\u2028two\u2029three\u00a0four\u3000five\u200bsix\ufefftwo\x85end",
    "surrogate": "before \ud83d after \udc00 end",
    "punctuation": "... !? -- (*)",
}


class Quotes(Answer):
    """Quotes from a document."""

    quotes: tuple[str, ...]


def grounded(text: str, seed: int, most: int = 2) -> Request[Quotes]:
    rules = quote_rules(text)
    item = r'"\"" QUOTE "\""'
    inside = rf'({item} (", " {item}){{0,{most - 1}}})?' if rules else '""'
    start = rf'start: "{{\"quotes\": [" {inside} "]}}"'
    return Request(
        (Message(role="user", parts=(text[:500], "List names and things as JSON.")),),
        Quotes,
        Sampling(temperature=1.0, max_tokens=400, seed=seed),
        Purpose(agent=Agent.ANNOTATOR),
        grammar="\n".join(("%llguidance {}", start, *rules, "")),
    )


@pytest.fixture(scope="module", autouse=True)
def _servers_end_with_the_module() -> Iterator[None]:
    yield
    LocalServer.close_all()


@pytest.fixture
async def client() -> AsyncIterator[LocalClient]:
    pool = ClientPool()
    client = pool.client_for(ModelConfig())
    assert isinstance(client, LocalClient)
    yield client
    await pool.close()


@pytest.mark.model
@pytest.mark.parametrize("kind", NASTY)
async def test_every_quote_stands_in_the_document(kind: str, client: LocalClient) -> None:
    text = NASTY[kind]
    replies = await asyncio.gather(*(client.ask(grounded(text, seed)) for seed in range(2)))
    quotes = [quote for reply in replies for quote in reply.answer.quotes]
    assert quotes, "nothing was quoted in two draws"
    for quote in quotes:
        assert quote in text and quote == quote.strip(" \t") and quote
    assert all(len(reply.answer.quotes) <= 2 and len(reply.attempts) == 1 for reply in replies)


@pytest.mark.model
async def test_every_quote_stands_in_random_documents(client: LocalClient) -> None:
    source = random.Random(7)  # a model cannot be asked hundreds of times, as hypothesis would
    alphabet = [
        *map(chr, range(128)),
        *"\u00e9\u0301\u200d\u05e9\u4eca\u2028\U0001f600\U0001f3fd\u00a0\ufeff",
    ]
    texts = ["".join(source.choices(alphabet, k=60)) for _ in range(4)]
    replies = await asyncio.gather(*(client.ask(grounded(text, 1)) for text in texts))
    for text, reply in zip(texts, replies, strict=True):
        assert all(quote in text for quote in reply.answer.quotes)


@pytest.mark.model
async def test_a_long_passage_is_grounded_too(client: LocalClient) -> None:
    source = random.Random(3)
    words = ["Ada", "Lovelace", "wrote", "notes", "on", "the", "engine", "in", "London", "1843", "Babbage"]
    text = " ".join(source.choice(words) for _ in range(1500))[:6000]
    reply = await client.ask(grounded(text, 2))
    for quote in reply.answer.quotes:
        assert f" {quote} " in f" {text} " and len(quote.split()) <= 12


@pytest.mark.model
async def test_structure_without_a_grammar_and_the_prefix_cache(client: LocalClient) -> None:
    class Colour(Answer):
        """A colour."""

        colour: Literal["red", "green"]

    document = "The grass is green. " * 30
    for number in range(2):
        request = Request(
            (Message(role="user", parts=(document, f"Question {number}: which colour?")),),
            Colour,
            Sampling(temperature=0.0, max_tokens=30),
            Purpose(agent=Agent.CRITIC),
        )
        reply = await client.ask(request)
        assert reply.answer.colour in ("red", "green")
        assert reply.usage.input_tokens > 100 and 0 < reply.usage.output_tokens <= 30
    assert reply.usage.cached_tokens > 100


@pytest.mark.model
async def test_what_does_not_fit_is_told(client: LocalClient) -> None:
    with pytest.raises(CallFailedError) as caught:
        await client.ask(
            Request(
                (Message(role="user", parts=("word " * 6000,)),),
                Quotes,
                Sampling(temperature=0, max_tokens=50),
                Purpose(agent=Agent.ANNOTATOR),
            )
        )
    assert caught.value.fault is CallFault.TOO_LONG and "context" in caught.value.remedy


@pytest.mark.model
async def test_the_server_is_shared_closed_to_others_and_silent(
    client: LocalClient, capfd: pytest.CaptureFixture[str]
) -> None:
    gguf = resolve_gguf("smollm2-135m")
    server = LocalServer.shared(gguf, 4096, 4)
    assert LocalServer.shared(gguf, 4096, 1) is server
    address = server.start()
    assert address.startswith("http://127.0.0.1:")
    for headers in ({}, {"Authorization": "Bearer guess"}):
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            urllib.request.urlopen(
                urllib.request.Request(
                    f"{address}/v1/chat/completions", b"{}", headers | {"Origin": "http://x"}
                )
            )
        with caught.value as answer:
            assert answer.headers.get("Access-Control-Allow-Origin") in (None, "")
    await client.ask(grounded("Ada", 1))
    assert capfd.readouterr() == ("", "")
    assert server.key not in str(client.identity) and "127.0.0.1" not in str(client.identity)


@pytest.mark.model
async def test_probe_makes_a_grounded_call() -> None:
    result = await probe(ModelConfig())
    assert result.ok and result.grounded and result.latency is not None


@pytest.mark.parametrize("content", [b"", b"GGUF", b"no model at all" * 100])
async def test_a_file_that_is_no_model_is_told(content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    file = tmp_path / "own.gguf"
    file.write_bytes(content)
    pool = ClientPool()
    client = pool.client_for(ModelConfig(name=f"local/{file}"))
    with pytest.raises(ModelUnavailableError, match=r"own\.gguf cannot be loaded"):
        await client.ask(grounded("Ada", 1))
    await pool.close()


async def test_without_xllamacpp_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xllamacpp", None)
    file = tmp_path / "own.gguf"
    file.write_bytes(b"GGUF")
    result = await probe(ModelConfig(name=f"local/{file}"))
    assert not result.ok and result.remedy == "Run `pip install -e '.[local]'` in GuideX's folder."


def test_one_processor_is_left_to_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for usable, threads in ((1, 1), (2, 1), (8, 7), (64, 16)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, n=usable: set(range(n)), raising=False)
        assert decoding_threads() == threads


def test_threads_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIDEX_THREADS", "3")
    assert decoding_threads() == 3
    for wrong in ("0", "-1", "two"):
        monkeypatch.setenv("GUIDEX_THREADS", wrong)
        with pytest.raises(UsageError, match="GUIDEX_THREADS") as caught:
            decoding_threads()
        assert caught.value.remedy
