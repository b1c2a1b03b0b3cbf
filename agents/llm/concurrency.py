"""How many requests a server gets at a time: found out, not guessed.

Slow start doubles the limit; after it the limit grows by 5% a round, and only while it is used. A round is
about one use of every slot. Two things make the limit smaller:

- *The server says so.* 429 and its like cut it to four fifths, once a round trip: requests sent before the
  last cut say nothing about the limit after it (TCP's congestion avoidance, RFC 5681; the numbers are
  Inspect's). If a few requests are refused however often the limit is cut, it has nothing to do with the
  limit, which is then put back and not cut for a few.
- *More connections bring no more answers.* Servers of one's own (vLLM, llama.cpp) never say 429; they queue,
  and everything takes longer. By Little's law, throughput is requests under way over latency. So a higher
  level is on trial, and kept if throughput grew with it by more than a small part of what was added. If
  latency rises at one level, a lower one is tried in the same way. TCP Vegas (Brakmo and Peterson, 1995) and
  Netflix's gradient limit compare with the latency of an idle server instead; a server that batches gets
  slower with every request and yet does more in all, so they would stop far too early.

Answers differ in length, so two levels are compared by whichever of two measures tells less of a difference:
seconds an answer, or seconds a token. If an answer takes `a + b * tokens` seconds with any `a` and `b`, the
true slowdown is at least that (the ratio of two such expectations lies between 1 and the ratio of the
tokens). Longer or shorter answers alone therefore never look like a slower server.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from schemas.machine import ConnectionBounds

CUT = 0.8
"""What a 429 leaves of the limit."""

GROWTH = 0.05
"""Growth of a round after slow start."""

USED = 0.8
"""Part of the slots in use, on average, for the limit to grow or be judged."""

FEWEST_AT_START, FEWEST = 16, 48
"""Answers of a round, at least, in slow start and after it; else as many as there are slots."""

TRIAL = 1.5
"""How far apart two levels are when they are compared; less drowns in the noise of latencies."""

WORTH, WORTH_AT_START = 0.3, 0.5
"""A higher level is worth it if throughput grows by more than this power of what the connections grew by.
Slow start, whose steps are coarse, ends early rather than late."""

SLOWER = 1.5
"""Slowdown at one level that makes a lower one be tried."""

FIRST_HOLD, LONGEST_HOLD = 4, 64
"""Rounds without growth after a level that was not worth it; doubled each time."""


REFUSING = 0.2
"""Part of the last requests that is refused by a server that has too much to do; less may be chance."""

MEMORY = 32
"""Requests over which that part is a (fading) mean."""

FUTILE = 3
"""Cuts for few refusals, with no round without any between them, after which they are known not to help."""

GROWN = "all connections used"
"""Cause of growth."""


class Change(NamedTuple):
    """A change of the limit, and why; after a refusal perhaps none, as it cannot get smaller."""

    old: int
    new: int
    cause: str
    slow_start: bool = False
    """Whether it was one of slow start's doublings."""


class Level(NamedTuple):
    """What a round showed, as means over its answers."""

    used: float
    """Slots in use."""
    seconds: float
    """Latency of an answer."""
    tokens: float
    """Its length."""

    def slowdown(self, other: Level) -> float:
        """How many times longer answers take than at another level, at least; see the module."""
        longer = self.seconds / max(other.seconds, 1e-6)
        return longer / max(1.0, self.tokens / other.tokens if other.tokens else 1.0)

    def pays_over(self, lower: Level, worth: float) -> bool:
        """Whether throughput grew enough with the connections."""
        more = self.used / lower.used
        return more / self.slowdown(lower) > math.pow(more, worth)

    def mean(self, other: Level) -> Level:
        """Half of each."""
        return Level(*((mine + its) / 2 for mine, its in zip(self, other, strict=True)))


@dataclass
class _Round:
    """Sums over the answers to requests sent under the present limit."""

    answers: int = 0
    used: int = 0
    seconds: float = 0.0
    tokens: int = 0

    def level(self) -> Level:
        return Level(self.used / self.answers, self.seconds / self.answers, self.tokens / self.answers)


class Concurrency:
    """The limit of one model, between bounds; equal bounds keep it fixed."""

    def __init__(self, bounds: ConnectionBounds) -> None:
        """Begin with slow start.

        Args:
            bounds: Least, first and greatest limit.
        """
        self.limit = bounds.start
        self.changes = 0
        """Changes so far. A request is known by their number when it was sent, and so is its limit."""
        self._bounds = bounds
        self._slow_start = True
        self._last_cut = 0
        self._refused = REFUSING  # nothing is known yet, so the first refusal is taken seriously
        self._cuts_for_few = 0
        self._before_few = bounds.start, True
        self._tolerant = False
        self._round = _Round()
        self._ground: Level | None = None  # the last level that was worth it
        self._ground_limit = bounds.start
        self._tried_from: int | None = None  # while a lower level is tried
        self._rose = False
        self._hold = 0
        self._next_hold = FIRST_HOLD

    @property
    def refusing(self) -> bool:
        """Whether the server refuses so many requests that it is no chance."""
        return self._refused >= REFUSING

    def answered(self, sent: int, seconds: float, tokens: int, in_use: int) -> Change | None:
        """Take note of an answer; constant time.

        Args:
            sent: `changes` when the request was sent.
            seconds: Its latency.
            tokens: Length of the answer.
            in_use: Slots in use as it came, its own included.
        """
        self._refused -= self._refused / MEMORY
        if sent != self.changes or self._bounds.least == self._bounds.most:
            return None
        seen = self._round
        seen.answers += 1
        seen.used += in_use
        seen.seconds += seconds
        seen.tokens += tokens
        if seen.answers < self._enough():
            return None
        self._round = _Round()
        self._cuts_for_few = 0  # any refusal would have begun another round
        level = seen.level()
        return self._judge(level) if level.used >= USED * self.limit else None

    def refused(self, sent: int, cause: str) -> Change | None:
        """Take note that the server had too much to do; cuts the limit once a round trip.

        Args:
            sent: `changes` when the request was sent.
            cause: What the server said.

        Returns:
            The cut; None if nothing follows, as the request was sent before the last one or refusals are few
            and have nothing to do with the limit.
        """
        self._refused += (1 - self._refused) / MEMORY
        if sent < self._last_cut or (self._tolerant and not self.refusing):
            return None
        old = self.limit
        if self._is_futile():
            limit, self._slow_start = self._before_few
            cause = f"{cause} now and then, whatever the connections"
        else:
            limit, self._slow_start = min(old - 1, int(old * CUT)), False
        self._ground, self._tried_from, self._hold = None, None, 0
        self._set(limit, cause)
        if self.limit == old:
            self.changes += 1
        self._last_cut = self.changes
        return Change(old, self.limit, cause)

    def _enough(self) -> int:
        """Answers of a round; twice as many where it is decided about throughput that may be lost."""
        fewest = FEWEST_AT_START if self._slow_start else FEWEST
        return max(self.limit, fewest) * (2 if self._rose or self._tried_from is not None else 1)

    def _is_futile(self) -> bool:
        """Count a cut, and say whether those for few refusals have not helped."""
        if self.refusing:
            self._tolerant, self._cuts_for_few = False, 0
            return False
        if self._cuts_for_few == 0:
            self._before_few = self.limit, self._slow_start
        self._cuts_for_few += 1
        self._tolerant = self._cuts_for_few > FUTILE
        return self._tolerant

    def _judge(self, level: Level) -> Change | None:
        ground = self._ground
        if ground is None:
            return self._stand(level)
        if self._tried_from is not None:
            return self._judge_lower(level, ground)
        if level.used >= TRIAL * ground.used:
            return self._judge_higher(level, ground)
        if self.limit == self._bounds.most != self._ground_limit:
            return self._stand(level)  # it gets no higher, so there will be no trial
        if self.limit > self._ground_limit:
            return self._grow()
        if self._rose:
            self._rose, self._slow_start, self._ground = False, False, level
            return self._try_lower(f"{_told(level, ground)} before")
        if level.slowdown(ground) < SLOWER:
            return self._stand(level.mean(ground))
        self._rose = True  # this round may have begun before
        return None

    def _judge_higher(self, level: Level, ground: Level) -> Change | None:
        if level.pays_over(ground, WORTH_AT_START if self._slow_start else WORTH):
            self._next_hold = FIRST_HOLD
            return self._stand(level)
        self._slow_start = False
        return self._try_lower(f"{_told(level, ground)}: no more throughput")

    def _judge_lower(self, level: Level, ground: Level) -> Change | None:
        before, self._tried_from = self._tried_from, None
        if not ground.pays_over(level, WORTH):
            self._ground, self._ground_limit = level, self.limit
            return self._try_lower(f"{_told(level, ground)}: no less throughput")
        self._ground = None  # what was seen is from before
        self._lengthen_hold()
        return self._set(before or self.limit, f"{_told(level, ground)}: less throughput")

    def _stand(self, level: Level) -> Change | None:
        """Take a level as the ground, and go up from it."""
        self._ground, self._ground_limit = level, self.limit
        if self._hold:
            self._hold -= 1
            return None
        return self._grow()

    def _grow(self) -> Change | None:
        by = self.limit if self._slow_start else max(1, int(self.limit * GROWTH))
        change = self._set(self.limit + by, GROWN, self._slow_start)
        if self.limit == self._bounds.most:
            self._slow_start = False
        return change

    def _try_lower(self, cause: str) -> Change | None:
        """Go below the ground, and see whether throughput suffers."""
        change = self._set(min(self._ground_limit - 1, int(self._ground_limit / TRIAL)), cause)
        if self.limit < self._ground_limit:
            self._tried_from = self._ground_limit
        else:
            self._lengthen_hold()
        return change

    def _lengthen_hold(self) -> None:
        self._hold, self._next_hold = self._next_hold, min(2 * self._next_hold, LONGEST_HOLD)

    def _set(self, wanted: int, cause: str, slow_start: bool = False) -> Change | None:
        new = max(self._bounds.least, min(self._bounds.most, wanted))
        if new == self.limit:
            return None
        change = Change(self.limit, new, cause, slow_start)
        self.limit = new
        self.changes += 1
        self._round, self._rose = _Round(), False
        return change


def _told(level: Level, other: Level) -> str:
    here, there = (f"{each.seconds:.2g} s an answer with {each.used:.0f} in use" for each in (level, other))
    return f"{here}, {there}"
