"""The bodies of answers in the two wire formats, by the path they are asked for at."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from servers.turns import Call, Fail, Say


@dataclass(frozen=True)
class Format:
    """How one provider says an answer and an error."""

    provider: str
    answer: Callable[[Call, Say], dict[str, Any]]
    error: Callable[[Fail], dict[str, Any]]


def _openai_answer(call: Call, say: Say) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": say.refusal}
    finish = "stop"
    if say.refusal is None and call.as_tool:
        function = {"name": call.body["tools"][0]["function"]["name"], "arguments": _as_json(say.content)}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        finish = "tool_calls"
    elif say.refusal is None:
        message["content"] = _as_json(say.content)
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": say.finish or finish}
    if call.body.get("logprobs") and say.likely is not None and message["content"]:
        choice["logprobs"] = {"content": _tokens(message["content"], say.likely)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": call.body["model"],
        "choices": [choice],
        "usage": {
            "prompt_tokens": say.input_tokens,
            "completion_tokens": say.output_tokens,
            "total_tokens": say.input_tokens + say.output_tokens,
            "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
        },
    }


def _tokens(content: str, likely: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Words and single characters between them, as tokens; those not in `likely` were certain."""

    def said(token: str, probability: float) -> dict[str, Any]:
        return {"token": token, "bytes": list(token.encode()), "logprob": math.log(probability)}

    return [
        said(word, likely.get(word, {}).get(word, 1.0))
        | {"top_logprobs": [said(*other) for other in likely.get(word, {word: 1.0}).items()]}
        for word in re.findall(r"\w+|\W", content)
    ]


def _anthropic_answer(call: Call, say: Say) -> dict[str, Any]:
    if call.as_tool and isinstance(say.content, dict):
        block = {
            "type": "tool_use",
            "id": "toolu_1",
            "name": call.body["tools"][0]["name"],
            "input": say.content,
        }
    else:
        block = {"type": "text", "text": _as_json(say.content)}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": call.body["model"],
        "content": [block],
        "stop_reason": say.finish or ("tool_use" if block["type"] == "tool_use" else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": say.input_tokens - say.cached_tokens,
            "output_tokens": say.output_tokens,
            "cache_read_input_tokens": say.cached_tokens,
            "cache_creation_input_tokens": 0,
        },
    }


def _openai_error(fail: Fail) -> dict[str, Any]:
    return {"error": {"message": fail.message, "type": "scripted_error", "param": None, "code": None}}


def _anthropic_error(fail: Fail) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "scripted_error", "message": fail.message}}


def _as_json(content: dict[str, Any] | str) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


FORMATS = {
    "/v1/chat/completions": Format("openai", _openai_answer, _openai_error),
    "/v1/messages": Format("anthropic", _anthropic_answer, _anthropic_error),
}
