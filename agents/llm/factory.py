"""Clients by configuration, shared by everyone who asks the same model; and the probe behind `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter

from pydantic import Field

from agents.llm.budget import Budget
from agents.llm.client import Answer, CallFailedError, Client, Message, Purpose, Request, Sampling
from agents.llm.embedded import Progress, resolve_gguf
from agents.llm.flow import Flow, Listener
from agents.llm.meter import Meter
from agents.llm.names import ResolvedModel, api_key, resolve
from agents.llm.open_files import allow_connections
from agents.llm.prices import price_of
from agents.llm.wire import Timeouts
from schemas.base import Model
from schemas.errors import GuidexError
from schemas.job import ModelConfig
from schemas.judgement import Agent
from schemas.limits import PriceConfig
from schemas.machine import ConnectionBounds, RunConfig

_LOCAL = "local"
"""Stands where other flows have the address of their server."""


class ClientPool:
    """The clients of a run: one per model, however many agents speak to it.

    A pool belongs to the event loop it is first used in.
    """

    def __init__(
        self,
        run: RunConfig | None = None,
        progress: Progress | None = None,
        *,
        budget: Budget | None = None,
        prices: Mapping[str, PriceConfig] | None = None,
    ) -> None:
        """Make an empty pool.

        Args:
            run: Connections, timeouts and repetitions; default: those of a run that sets none.
            progress: Told how far the download of a local model is.
            budget: What all clients together may spend; None where nothing is limited.
            prices: The job's own prices, by the name of the model.
        """
        self.listener: Listener | None = None
        """Told what happens to the connections; may be set at any time."""
        self.on_growth: Callable[[], None] | None = None
        """Called when `documents_in_flight` has grown; may be set at any time."""
        self._run = run or RunConfig()
        self._progress = progress
        self._budget = budget
        self._prices = prices or {}
        self._clients: dict[ResolvedModel, Client] = {}
        self._flows: dict[tuple[str | None, str], Flow] = {}

    @property
    def documents_in_flight(self) -> int:
        """How many documents are worth working on at the same time, at present; grows with the connections.

        A document has at least one call to make at any time, so one for each connection keeps all in use.
        Half as many again cover those that are being judged or stored, or wait to repeat a call; not with
        local models, whose slots keep the prefixes of so many documents. Before the first client is made, 1.
        """
        limits = {key: flow.limit for key, flow in self._flows.items()}
        spare = sum((limit + 1) // 2 for (place, _), limit in limits.items() if place != _LOCAL)
        return self._run.documents_in_flight or max(1, sum(limits.values()) + spare)

    @property
    def requests_in_flight(self) -> int:
        """Requests under way to all models."""
        return sum(flow.in_use for flow in self._flows.values())

    @property
    def silence(self) -> tuple[float, str] | None:
        """Of the model that has been without answers for longest: seconds, and what came instead."""
        return max((flow.silence for flow in self._flows.values() if flow.silence), default=None)

    def client_for(self, config: ModelConfig) -> Client:
        """The client of a model; a local model's file is fetched first if need be, which blocks.

        Args:
            config: The model; its sampling settings play no part, they travel with each request.

        Raises:
            UsageError: The configuration names no model, or too many connections.
            ModelUnavailableError: A key, a file or a package is missing.
        """
        model = resolve(config)
        # Profile and answer length travel with the messages: agents that differ in them share a client.
        key = model.model_copy(update={"max_tokens": 0, "profile": "full"})
        if key not in self._clients:
            self._clients[key] = self._make(model)
        return self._clients[key]

    async def close(self) -> None:
        """Close all clients."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    def _make(self, model: ResolvedModel) -> Client:
        run = self._run
        timeouts = Timeouts(run.connect_timeout, run.read_timeout or run.timeout, run.timeout)
        if model.provider == "local":
            from agents.llm.local import LocalClient, LocalServer, slots_for

            gguf = resolve_gguf(model.model, self._progress)
            server = LocalServer.shared(gguf, model.context, slots_for(run.connections.most))
            slots = min(server.slots, run.connections.most)
            fixed = ConnectionBounds(slots, slots, slots)
            # Nothing between us and it can fail for a moment.
            flow = self._flow((_LOCAL, f"{gguf}:{model.context}"), model.label, fixed, retries=0)
            meter = self._meter(model, context=model.context)
            return LocalClient(model, server, flow=flow, timeouts=timeouts, meter=meter)
        secret = api_key(model)
        allow_connections(run.connections.most, len(self._clients) + 1)
        from agents.llm.instructed import InstructedClient

        flow = self._flow((model.base_url, model.model), model.label, run.connections, retries=run.retries)
        return InstructedClient(
            model,
            secret,
            flow=flow,
            connections=run.connections.most,
            timeouts=timeouts,
            meter=self._meter(model),
        )

    def _meter(self, model: ResolvedModel, context: int | None = None) -> Meter:
        return Meter(price_of(model, self._prices), self._budget, context=context)

    def _flow(self, key: tuple[str | None, str], label: str, bounds: ConnectionBounds, retries: int) -> Flow:
        if key not in self._flows:
            self._flows[key] = Flow(
                label, bounds, retries=retries, listener=self._tell, on_growth=self._grown
            )
        return self._flows[key]

    def _grown(self) -> None:
        if self.on_growth is not None:
            self.on_growth()

    def _tell(self, message: str, data: Mapping[str, object]) -> None:
        if self.listener is not None:
            self.listener(message, data)


class ProbeResult(Model):
    """What a tiny call of the kind a run makes has shown."""

    model: str = Field(description="The model, and where it runs.")
    ok: bool = Field(description="Whether a run can use it as configured.")
    latency: float | None = Field(default=None, description="Seconds of the call; None if none was made.")
    grounded: bool = Field(default=False, description="Whether the call was decoded under a grammar.")
    structured: str = Field(default="", description="How structure was asked for.")
    problem: str = Field(default="", description="What is missing, in one sentence.")
    remedy: str = Field(default="", description="What to do about it.")


_PROBE_TEXT = "Ada Lovelace wrote to Charles Babbage from London."


class _Ready(Answer):
    """Whether the model is ready."""

    ready: bool = Field(description="true")


class _Quote(Answer):
    """A quote from the probe's text."""

    quote: str = Field(description="Text of the document.")


async def probe(
    config: ModelConfig, *, timeout: float = 120, progress: Progress | None = None
) -> ProbeResult:
    """Ask a model one tiny question in the very way a run would; never raises for what a user can mend."""
    label, model = config.name, None
    # One try: whoever asks wants to know how it is now.
    pool = ClientPool(RunConfig(max_connections=1, timeout=timeout, retries=0), progress)
    started = perf_counter()
    try:
        model = resolve(config)
        label = model.label
        client = pool.client_for(config)
        started = perf_counter()
        await client.ask(_question(model, config, client.takes_grammar))
    except GuidexError as error:
        grammar_ignored = (
            isinstance(error, CallFailedError)
            and error.fault == "invalid"
            and model is not None
            and model.grounded
        )
        return ProbeResult(
            model=label,
            ok=False,
            latency=perf_counter() - started if isinstance(error, CallFailedError) else None,
            grounded=model.grounded if model else False,
            structured=model.structured if model else "",
            problem="The server did not hold to the grammar of the question."
            if grammar_ignored
            else str(error),
            remedy="Set grounded = false for this model." if grammar_ignored else error.remedy,
        )
    finally:
        await pool.close()
    return ProbeResult(
        model=label,
        ok=True,
        latency=perf_counter() - started,
        grounded=model.grounded,
        structured=model.structured,
    )


def _question(model: ResolvedModel, config: ModelConfig, grounded: bool) -> Request[Answer]:
    sampling = Sampling(
        temperature=config.temperature, max_tokens=model.max_tokens, top_p=config.top_p, seed=0
    )
    purpose = Purpose(agent=Agent.ANNOTATOR)
    if not grounded:
        message = Message(role="user", parts=("Are you ready? Answer as JSON: ready is true.",))
        return Request((message,), _Ready, sampling, purpose)
    from agents.llm.grounding import quote_rules

    # A server that ignores grammars answers this with a greeting, which does not validate.
    message = Message(role="user", parts=(f"{_PROBE_TEXT}\n\nSay hello in one word.",))
    start = r'start: "{\"quote\": \"" QUOTE "\"}"'
    grammar = "\n".join(("%llguidance {}", start, *quote_rules(_PROBE_TEXT), ""))
    return Request((message,), _Quote, sampling, purpose, grammar=grammar)
