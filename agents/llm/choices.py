"""How likely each permitted value was where a model wrote one, from the log-probabilities of its tokens.

A critic's verdict is one of a few words. A server that gives, for each token it generated, the likeliest
tokens it might have generated instead (`top_logprobs` in OpenAI's format; llama.cpp, vLLM and OpenAI's own
give them) says with it how likely the other words were. Only that is kept: a distribution over the permitted
values for each place, not the tokens.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from schemas.base import Model

ALTERNATIVES = 20
"""Likeliest tokens asked for at each place: the most that OpenAI's service gives."""

_DIGITS = 4
"""Of a probability that is kept."""

_JSON_TOKEN = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')


class Choice(Model):
    """A value that a model chose out of several, and how likely each of them was."""

    path: str = Field(description="Where it stands in the answer: keys and indexes, joined by dots.")
    value: str = Field(description="What was written.")
    probabilities: dict[str, float] = Field(
        description="Of each permitted value, together 1; those not among the likeliest are left out."
    )


class Token(NamedTuple):
    """A generated token.

    Attributes:
        text: Its bytes; a character may lie in two tokens.
        alternatives: What might have stood in its place, itself included, with the probability of each.
    """

    text: bytes
    alternatives: Mapping[bytes, float]


def tokens_of(logprobs: Any) -> tuple[Token, ...]:
    """The tokens of an answer in OpenAI's format; none where the server gave no log-probabilities."""
    tokens = []
    for said in getattr(logprobs, "content", None) or ():
        others = {_bytes(other): math.exp(other.logprob) for other in said.top_logprobs or ()}
        others.setdefault(_bytes(said), math.exp(said.logprob))
        tokens.append(Token(_bytes(said), others))
    return tuple(tokens)


def choices_in(raw: str, tokens: Sequence[Token], permitted: Sequence[str]) -> tuple[Choice, ...]:
    """The places of a JSON answer where one of the permitted values stands as a string, in their order.

    Args:
        raw: The answer.
        tokens: What it was generated as; where these are not its text, nothing is said.
        permitted: The values. Keys of objects are none, and so are other spellings.
    """
    written = raw.encode(errors="replace")
    begin = b"".join(token.text for token in tokens).find(written) if written else -1
    if begin < 0:
        return ()
    forms = {value: json.dumps(value, ensure_ascii=False).encode()[1:] for value in permitted}
    made = []
    for path, start, value in _strings(raw):
        if value in forms:
            at = begin + len(raw[:start].encode(errors="replace"))
            probabilities = _probabilities(tokens, at, forms)
            if probabilities:
                made.append(Choice(path=path, value=value, probabilities=probabilities))
    return tuple(made)


def _bytes(said: Any) -> bytes:
    return bytes(said.bytes) if said.bytes is not None else str(said.token).encode()


def _strings(raw: str) -> Iterator[tuple[str, int, str]]:
    """Path, first character and value of each string of the answer's JSON object that is no key."""
    above: list[list[Any]] = []  # of each container: its key or index in hand; None before a key
    for found in _JSON_TOKEN.finditer(raw, max(0, raw.find("{"))):
        token = found.group()
        if token in "{[":
            above.append([token, 0 if token == "[" else None])
        elif token in "}]":
            above.pop()
            if not above:
                return
        elif token == ",":
            above[-1][1] = above[-1][1] + 1 if above[-1][0] == "[" else None
        elif token[0] == '"' and above:
            try:
                value = json.loads(token, strict=False)
            except ValueError:
                return
            if above[-1][1] is None:
                above[-1][1] = value
            else:
                yield ".".join(str(place) for _, place in above), found.start() + 1, value


def _probabilities(tokens: Sequence[Token], at: int, forms: Mapping[str, bytes]) -> dict[str, float]:
    """How likely each value was where one begins at byte `at`.

    Token by token along what was written: the alternatives that begin a permitted value share the probability
    in the proportion in which the model gave it, as they do under a grammar that admits nothing else. What
    several values have in common is divided by how the answer goes on, if it went that way; else equally, as
    nobody knows how it would have gone on. Other ways to divide a value into tokens count for it too, as far
    as they are among the alternatives.
    """
    number = end = 0
    while number < len(tokens) and end + len(tokens[number].text) <= at:
        end += len(tokens[number].text)
        number += 1
    if number == len(tokens):
        return {}
    head = tokens[number].text[: at - end]
    left = {value: head + form for value, form in forms.items()}
    masses = dict.fromkeys(forms, 0.0)
    weight = 1.0
    for token in tokens[number:]:
        open_to = {text: _fitting(text, left) for text in token.alternatives}
        total = sum(token.alternatives[text] for text, values in open_to.items() if values)
        going_on = open_to[token.text]
        if not going_on or not total:
            return {}
        for text, values in open_to.items():
            if text != token.text or len(values) == 1:
                for value in values:
                    masses[value] += weight * token.alternatives[text] / total / len(values)
        if len(going_on) == 1:
            break
        weight *= token.alternatives[token.text] / total
        left = {value: left[value][len(token.text) :] for value in going_on}
    whole = sum(masses.values())
    if not whole:
        return {}
    rounded = {value: round(mass / whole, _DIGITS) for value, mass in masses.items()}
    return {value: mass for value, mass in rounded.items() if mass}


def _fitting(text: bytes, left: Mapping[str, bytes]) -> tuple[str, ...]:
    """The values that a token can begin, or go beyond."""
    return tuple(
        value for value, rest in left.items() if text and (rest.startswith(text) or text.startswith(rest))
    )
