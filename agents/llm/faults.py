"""Why a call failed, told from what the SDK raised: the fault, one sentence, and what to do."""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import NamedTuple

from agents.llm.client import CallFault
from agents.llm.setbacks import lost, never_connected
from schemas.base import one_line


class Failure(NamedTuple):
    """A fault with its message and remedy."""

    fault: CallFault
    message: str
    remedy: str


# OpenAI; llama.cpp; vLLM (two wordings); Anthropic (two wordings).
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|exceeds? the available context size|maximum context length"
    r"|maximum model length|max_model_len|context (length|window|limit)|prompt is too long|request_too_large",
    re.IGNORECASE,
)
_SAMPLING = re.compile(r"temperature|top_p|\bseed\b|frequency_penalty", re.IGNORECASE)
# Servers repeat a part of a wrong key in their answer.
_SECRET = re.compile(r"\b(sk|pk|key|bearer)[-_ ][\w*.-]{6,}", re.IGNORECASE)


def failure(error: Exception, sdk: ModuleType, label: str, secret: str, key_env: str | None) -> Failure:
    """Classify what an SDK raised.

    Args:
        error: The exception.
        sdk: `openai` or `anthropic`; their exceptions have the same names.
        label: The model, for the message.
        secret: The key, which never appears in a message.
        key_env: Variable that holds it.
    """
    if isinstance(error, TimeoutError) or (
        isinstance(error, sdk.APITimeoutError) and not lost(error) and not never_connected(error)
    ):
        return Failure(
            CallFault.TIMEOUT,
            f"{label} did not answer in time.",
            "Raise run.timeout and run.read_timeout, lower max_tokens, or run fewer calls at a time.",
        )
    if isinstance(error, sdk.APIConnectionError):
        return Failure(
            CallFault.CONNECTION,
            f"No connection to {label}: {_reason(_innermost(error), secret)}",
            "Check that the server runs and that base_url is its address.",
        )
    if isinstance(error, sdk.APIStatusError):
        status = int(error.status_code)
        return _status(status, _reason(error, secret), label, key_env)
    return Failure(
        CallFault.SERVER,
        f"{label} sent something that is no answer of its format ({type(error).__name__}).",
        "Check that base_url is the address of an OpenAI- or Anthropic-compatible server.",
    )


def rejects_sampling(error: Exception, sdk: ModuleType) -> bool:
    """Whether a server refuses a request for its sampling settings, as reasoning models do."""
    return isinstance(error, sdk.BadRequestError) and bool(_SAMPLING.search(_server_words(error)))


def _innermost(error: Exception) -> Exception:
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _status(status: int, reason: str, label: str, key_env: str | None) -> Failure:
    said = f"{label} answered {status}: {reason}"
    if status == 413 or (status == 400 and _TOO_LONG.search(reason)):
        return Failure(
            CallFault.TOO_LONG,
            said,
            "Use a model with a longer context, or raise `context` of a local one; lower max_tokens.",
        )
    if status == 401:
        # What the server says may repeat the key.
        return Failure(CallFault.REFUSED, f"{label} refused the key.", f"Put its key into {key_env}.")
    if status == 403:
        return Failure(CallFault.REFUSED, said, "Check that the key may use this model.")
    if status == 404:
        return Failure(CallFault.REFUSED, said, "Check the model's name and base_url.")
    if status == 429:
        return Failure(
            CallFault.RATE_LIMIT,
            said,
            "Wait; check the quota; set run.max_connections to a small number.",
        )
    if status >= 500 or status == 408:
        return Failure(CallFault.SERVER, said, "Wait, or look into the server's log.")
    # About this request, unlike 401, 403 and 404: another document's may well be taken.
    return Failure(CallFault.BAD_REQUEST, said, "Check the model's settings against what the server takes.")


def _server_words(error: Exception) -> str:
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict) and isinstance(inner.get("message"), str):
            return " ".join(str(inner[key]) for key in ("message", "code", "type") if inner.get(key))
        return json.dumps(body, default=str)
    return str(body) if body else str(error)


def _reason(error: Exception, secret: str) -> str:
    words = _server_words(error)
    if len(secret) >= 6:
        words = words.replace(secret, "***")
    return str(one_line(_SECRET.sub("***", words)))[:400]
