"""Models in this process: llama.cpp (xllamacpp) behind its own OpenAI-compatible endpoint on loopback.

One server per model file and context is shared by all clients of the process. It batches the calls of all
slots together and keeps their prefixes, so agents that start with the same document pay for it once.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import threading
from pathlib import Path
from typing import Any, ClassVar

from agents.llm.client import AnswerT, ModelIdentity, Reply, Request
from agents.llm.embedded import file_sha256
from agents.llm.flow import Flow
from agents.llm.instructed import InstructedClient
from agents.llm.meter import Meter
from agents.llm.names import ResolvedModel
from agents.llm.wire import Timeouts
from schemas.base import one_line
from schemas.errors import ModelUnavailableError, UsageError

MAX_SLOTS = 4
"""Calls decoded together. More share one processor without being done sooner, and each slot has its own
context in memory."""

PROMPT_CACHE_MIB = 512
"""Memory for prefixes of slots that have moved on (llama.cpp's own default is 8 GiB)."""


def slots_for(connections: int) -> int:
    """Slots of a model whose calls may use so many connections."""
    return min(connections, MAX_SLOTS)


def wanted_threads() -> int | None:
    """The number in `GUIDEX_THREADS`; None if it is not set.

    Raises:
        UsageError: It is no whole number above 0.
    """
    wanted = os.environ.get("GUIDEX_THREADS", "").strip()
    if not wanted:
        return None
    if not wanted.isdecimal() or int(wanted) < 1:
        raise UsageError(f"GUIDEX_THREADS is {wanted!r}.", "Set it to a whole number above 0.")
    return int(wanted)


def decoding_threads() -> int:
    """Threads of a local model: `GUIDEX_THREADS` if set, else the usable processors less one, at most 16.

    llama.cpp's threads wait for each other by spinning. With one thread per processor, any other busy process
    (this one included: it parses, validates and stores) stalls all of them: on 2 processors with another
    process at work, two threads decoded under 3 tokens/s and one 70. On a machine with nothing else to do,
    all of them are faster.

    Raises:
        UsageError: `GUIDEX_THREADS` is no whole number above 0.
    """
    wanted = wanted_threads()
    if wanted is not None:
        return wanted
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(16, usable - 1))


class LocalServer:
    """A model file being served on loopback, to this process alone."""

    _running: ClassVar[dict[tuple[Path, int], LocalServer]] = {}
    _registry = threading.Lock()

    def __init__(self, gguf: Path, context: int, slots: int) -> None:
        """Describe a server; `start` loads the model.

        Args:
            gguf: The model file.
            context: Tokens of one call, prompt and answer together.
            slots: Calls decoded at the same time.
        """
        self.gguf = gguf
        self.context = context
        self.slots = slots
        self.key = secrets.token_urlsafe(32)
        self._server: Any = None
        self._loading = threading.Lock()

    @classmethod
    def shared(cls, gguf: Path, context: int, slots: int) -> LocalServer:
        """The process's server of a file and context; the first request for it decides on the slots."""
        with cls._registry:
            found = cls._running.get((gguf, context))
            if found is None:
                found = cls._running[(gguf, context)] = cls(gguf, context, slots)
            return found

    @classmethod
    def close_all(cls) -> None:
        """Stop all servers of the process."""
        with cls._registry:
            servers = list(cls._running.values())
            cls._running.clear()
        for server in servers:
            server.close()

    @property
    def base_url(self) -> str:
        """Address of the endpoint; the model is loaded if it is not yet."""
        return f"{self.start()}/v1"

    def start(self) -> str:
        """Load the model unless it is loaded (about a second per GB), and return the server's address.

        Raises:
            ModelUnavailableError: xllamacpp is missing, or the file is no model it can load.
        """
        with self._loading:
            if self._server is None:
                self._server = self._load()
            return str(self._server.listening_address)

    def close(self) -> None:
        """Stop the server; calls in flight lose their connection."""
        with self._loading:
            self._server = None

    def _load(self) -> Any:
        try:
            import xllamacpp
        except ImportError:
            raise ModelUnavailableError(
                f"Model file {self.gguf.name} runs on xllamacpp, which is not installed.",
                "Run `pip install -e '.[local]'` in GuideX's folder.",
            ) from None
        try:
            return xllamacpp.Server(self._parameters(xllamacpp))
        except Exception as error:  # whatever llama.cpp has to say about the file
            reason = str(one_line(str(error)))[:300]
            raise ModelUnavailableError(
                f"Model file {self.gguf} cannot be loaded: {reason}",
                "Check that it is a whole GGUF file of a text model and fits into memory.",
            ) from error

    def _parameters(self, xllamacpp: Any) -> Any:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self.gguf)
        parameters.n_parallel = self.slots
        parameters.n_ctx = self.context * self.slots  # shared by the slots
        threads = decoding_threads()
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.cache_prompt = True
        parameters.cache_ram_mib = PROMPT_CACHE_MIB
        parameters.warmup = False
        parameters.verbosity = -1  # llama.cpp writes past Python to the terminal
        # Every local user and web page can reach loopback: hence a key, no page, no cross-origin reading.
        parameters.hostnames = ["127.0.0.1"]
        parameters.api_keys = [self.key]
        parameters.cors_origins = ""
        parameters.cors_origins_explicit = True
        parameters.cors_credentials = False
        parameters.ui = False
        parameters.endpoint_slots = False
        return parameters


class LocalClient:
    """`Client` of a local model; the model is loaded with the first question."""

    def __init__(
        self,
        model: ResolvedModel,
        server: LocalServer,
        *,
        flow: Flow,
        timeouts: Timeouts | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Describe the client; nothing is loaded.

        Args:
            model: Which model, and how it is asked.
            server: Where its file is served.
            flow: Decides when a request is sent.
            timeouts: Longest times of one request.
            meter: Reserves what a request may take, and prices it.
        """
        self._model = model
        self._server = server
        self._flow = flow
        self._timeouts = timeouts
        self._meter = meter
        self._client: InstructedClient | None = None
        self._starting = asyncio.Lock()
        self._identity = ModelIdentity(
            provider="local",
            model=f"{server.gguf.name}@sha256:{file_sha256(server.gguf)[:16]}",
            structured=model.structured + ("+grammar" if model.grounded else ""),
        )

    @property
    def identity(self) -> ModelIdentity:
        """What determines the answers: the file by name and content, not where it is served."""
        return self._identity

    @property
    def takes_grammar(self) -> bool:
        """Whether `Request.grammar` constrains decoding."""
        return self._model.grounded

    @property
    def gives_probabilities(self) -> bool:
        """Whether it is told how likely `Request.choices` were."""
        return self._model.logprobs

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Ask, validate, re-ask; see `Client`.

        Raises:
            CallFailedError: No usable answer.
            ModelUnavailableError: The model cannot be loaded.
        """
        return await (await self._started()).ask(request)

    async def close(self) -> None:
        """Release connections; the server goes on for others until the process ends."""
        if self._client is not None:
            await self._client.close()

    async def _started(self) -> InstructedClient:
        async with self._starting:
            if self._client is None:
                # Loading takes a second or more and must not hold up the event loop.
                base_url = await asyncio.to_thread(lambda: self._server.base_url)
                self._client = InstructedClient(
                    self._model.model_copy(update={"base_url": base_url}),
                    self._server.key,
                    flow=self._flow,
                    connections=self._server.slots,
                    timeouts=self._timeouts,
                    identity=self._identity,
                    meter=self._meter,
                )
            return self._client


atexit.register(LocalServer.close_all)
