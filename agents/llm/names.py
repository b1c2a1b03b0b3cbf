"""What a configured model name means: provider, server, key, and the defaults that suit the model."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field
from rapidfuzz import process

from schemas.base import Model
from schemas.errors import ModelUnavailableError, UsageError
from schemas.job import ModelConfig, Profile

Provider = Literal["anthropic", "openai", "local"]
Structured = Literal["json_schema", "tools", "json"]

PROVIDERS: tuple[Provider, ...] = ("anthropic", "openai", "local")

_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
_BASES = {"anthropic": "ANTHROPIC_BASE_URL", "openai": "OPENAI_BASE_URL"}
_FAMILIES = {"gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude": "anthropic"}


class ResolvedModel(Model):
    """A model with nothing left open."""

    provider: Provider = Field(description="Whose wire format is spoken.")
    model: str = Field(description="The name without the provider.")
    base_url: str | None = Field(default=None, description="Server, where it is not the provider's own.")
    key_env: str | None = Field(
        default=None, description="Variable that holds the key; None for local models."
    )
    profile: Profile = Field(description="Prompt form.")
    structured: Structured = Field(description="How the answer's structure is asked for.")
    grounded: bool = Field(description="Whether annotations are decoded under a grammar.")
    logprobs: bool = Field(
        default=False, description="Whether the server is asked for the log-probabilities of tokens."
    )
    max_tokens: int = Field(description="Most tokens of one answer.")
    context: int = Field(description="Context of one call, in tokens; local models only.")

    @property
    def label(self) -> str:
        """Name for messages: the model and where it runs."""
        place = f" at {self.base_url}" if self.base_url and self.provider != "local" else ""
        return f"{self.provider}/{self.model}{place}"


def _may_hold_a_key(base_url: str) -> bool:
    """Whether an address says more than where a server is; it is stored, and shown in messages."""
    return "@" in base_url.split("/", 3)[2] or "?" in base_url or "#" in base_url


def resolve(config: ModelConfig) -> ResolvedModel:
    """Resolve a model's configuration; nothing is loaded, fetched or asked.

    Raises:
        UsageError: The name has no known provider, or the settings contradict each other.
    """
    provider, model = _split(config.name)
    base_url = config.base_url
    if provider == "local" and base_url is not None:
        raise UsageError(
            f"Model `{config.name}` runs in this process and has no base_url.",
            f"For a server at {base_url}, name the model `openai/NAME`.",
        )
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise UsageError(f"base_url `{base_url}` is no http address.", "Write it as http://HOST:PORT/v1.")
    if base_url is None and provider != "local":
        base_url = os.environ.get(_BASES[provider]) or None
    if base_url is not None and _may_hold_a_key(base_url):
        raise UsageError(
            f"The base_url of model `{config.name}` holds a name, a password or parameters.",
            "Leave them out of the address; `api_key_env` names the variable that holds the key.",
        )
    profile = config.profile or (Profile.COMPACT if provider == "local" else Profile.FULL)
    return ResolvedModel(
        provider=provider,
        model=model,
        base_url=base_url,
        key_env=config.api_key_env or _KEYS.get(provider),
        profile=profile,
        structured=_structured(config, provider),
        grounded=_grounded(config, provider),
        logprobs=_logprobs(config, provider),
        max_tokens=config.max_tokens or (600 if profile is Profile.COMPACT else 4096),
        context=config.context,
    )


def api_key(model: ResolvedModel) -> str:
    """The key of a hosted model or server; a placeholder where a server of one's own needs none.

    Raises:
        ModelUnavailableError: The provider's own service is asked without a key.
    """
    key = os.environ.get(model.key_env, "").strip() if model.key_env else ""
    if key:
        return key
    if model.base_url is not None:
        return "none"
    raise ModelUnavailableError(
        f"Model `{model.label}` needs a key, and {model.key_env} is not set.",
        f"Set it (export {model.key_env}=...), or use a server of your own with base_url, or the "
        "embedded model `local/smollm2-135m`, which needs no key.",
    )


def _split(name: str) -> tuple[Provider, str]:
    prefix, slash, model = name.partition("/")
    for provider in PROVIDERS:
        if prefix == provider:
            if not model.strip():
                raise UsageError(f"Model name `{name}` ends after the provider.", f"Write {provider}/NAME.")
            return provider, model
    family = next((p for start, p in _FAMILIES.items() if name.lower().startswith(start)), None)
    nearest = process.extractOne(prefix, PROVIDERS, score_cutoff=50) if slash else None
    known = ", ".join(f"{provider}/..." for provider in PROVIDERS)
    if family and not slash:
        remedy = f"Did you mean `{family}/{name}`?"
    elif nearest:
        remedy = f"Did you mean `{nearest[0]}/{model}`? Known are {known}."
    elif name.endswith(".gguf"):
        remedy = f"For a model file, write `local/{name}`."
    else:
        remedy = f"Known are {known}; other services are reached as openai/NAME with their base_url."
    raise UsageError(f"Model `{name}` names no known provider.", remedy)


def _structured(config: ModelConfig, provider: Provider) -> Structured:
    if provider == "anthropic":
        if config.structured not in (None, "tools"):
            raise UsageError(
                f"Model `{config.name}` is asked for structure by tools, not by {config.structured}.",
                "Leave `structured` out.",
            )
        return "tools"
    return config.structured or "json_schema"


def _grounded(config: ModelConfig, provider: Provider) -> bool:
    if provider == "anthropic" and config.grounded:
        raise UsageError(
            f"Model `{config.name}` takes no grammar.",
            "Leave `grounded` out; quotes are then checked after the answer.",
        )
    return provider == "local" if config.grounded is None else config.grounded


def _logprobs(config: ModelConfig, provider: Provider) -> bool:
    if config.logprobs and (provider == "anthropic" or config.structured == "tools"):
        raise UsageError(
            f"Model `{config.name}` gives no log-probabilities of what it answers by a tool.",
            "Leave `logprobs` out; verdicts then have no probabilities.",
        )
    return provider == "local" if config.logprobs is None else config.logprobs
