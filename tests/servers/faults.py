"""Faults by seed: a script that fails a share of its requests, and counts what it was asked.

Whether a request meets a fault depends on the seed, on what it says and on how often the same was said
before, not on the order of arrival: two runs over the same documents meet the same faults.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from servers.turns import Call, Drop, Fail, Say, Turn

ANSWERED = "answered"


@dataclass(frozen=True)
class Faults:
    """Shares of requests, 0 to 1 and at most 1 together, that meet each fault; all others are answered.

    Attributes:
        limited: Status 429 at once, with Retry-After.
        failing: Status 500.
        invalid: An answer whose JSON breaks off, though the model says it has finished.
        truncated: The same, and the finish reason says that the token limit was reached.
        dropped: A lost connection in the middle of the answer.
        slow: An answer after `slowness` times the latency.
        retry_after: Seconds a 429 asks to wait.
        slowness: Factor of the latency of slow answers.
        seed: Draws.
    """

    limited: float = 0.0
    failing: float = 0.0
    invalid: float = 0.0
    truncated: float = 0.0
    dropped: float = 0.0
    slow: float = 0.0
    retry_after: float = 1.0
    slowness: float = 10.0
    seed: int = 0

    KINDS = ("limited", "failing", "invalid", "truncated", "dropped", "slow")

    def drawn(self, content: str, arrival: int) -> str:
        """What becomes of a request: a kind of fault, or `ANSWERED`.

        Args:
            content: What tells requests apart.
            arrival: How often it has come, from 1.
        """
        digest = hashlib.blake2b(f"{self.seed} {arrival} {content}".encode(), digest_size=8).digest()
        draw = int.from_bytes(digest) / 2**64
        for kind in self.KINDS:
            draw -= getattr(self, kind)
            if draw < 0:
                return kind
        return ANSWERED


class Faulty:
    """A script made faulty, with the same latency for every answer.

    Attributes:
        counts: Requests by what became of them.
        asked: By `content_key`: how often it was asked, and how often answered well.
    """

    def __init__(
        self, script: Callable[[Call], Turn], faults: Faults | None = None, latency: float = 0.0
    ) -> None:
        self.script, self.faults, self.latency = script, faults or Faults(), latency
        self.counts: Counter[str] = Counter()
        self.asked: dict[str, list[int]] = {}

    def __call__(self, call: Call) -> Turn:
        """Answer, or fail."""
        key = content_key(call.texts, call.body.get("seed"))
        seen = self.asked.setdefault(key, [0, 0])
        seen[0] += 1
        kind = self.faults.drawn(key, seen[0])
        self.counts[kind] += 1
        faults, latency = self.faults, self.latency
        if kind == "limited":
            return Fail(429, "rate limit reached", {"Retry-After": f"{faults.retry_after:g}"})
        if kind == "failing":
            return Fail(500, "internal error", delay=latency)
        if kind == "dropped":
            return Drop(delay=latency)
        said = _said(self.script(call), call)
        text = json.dumps(said.content, ensure_ascii=False)
        spent = {"input_tokens": len(call.raw) // 4, "output_tokens": len(text) // 4 + 1}
        if kind in ("invalid", "truncated"):
            finish = None if kind == "invalid" else "max_tokens" if call.provider == "anthropic" else "length"
            return Say(text[: len(text) // 2], finish, delay=latency, **spent)
        seen[1] += 1
        return Say(said.content, delay=latency * (faults.slowness if kind == "slow" else 1), **spent)

    def begin_anew(self, faults: Faults, latency: float) -> None:
        """Take other faults and another latency, and count from nothing."""
        self.faults, self.latency = faults, latency
        self.counts.clear()
        self.asked.clear()

    def told(self) -> dict[str, Any]:
        """Counts and settings, as JSON."""
        return {
            "requests": sum(self.counts.values()),
            "kinds": dict(self.counts),
            "distinct": len(self.asked),
            "answered_again": sum(max(0, answered - 1) for _, answered in self.asked.values()),
            "latency": self.latency,
            "faults": asdict(self.faults),
        }


def content_key(texts: list[str], seed: int | None) -> str:
    """What tells requests apart: the texts of their messages, system first, and the sampling seed."""
    return hashlib.blake2b(json.dumps([*texts, seed]).encode(), digest_size=12).hexdigest()


def _said(turn: Turn, call: Call) -> Say:
    if isinstance(turn, Say):
        return turn
    if isinstance(turn, dict | str):
        return Say(turn)
    raise TypeError(f"a script that fails by itself cannot be made faulty: {turn!r} for {call.provider}")
