"""Asking models about the sentences of a benchmark, once each, and scoring what they answer."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from finetune.evaluation.answers import Answer, Predictor
from finetune.evaluation.benchmarks import Benchmark, Domain, GoldSentence
from finetune.evaluation.scoring import Scored, score_answer
from schemas.dialect import Flavour, render
from schemas.errors import StoreError


class Asked(NamedTuple):
    """How far a model is with a benchmark.

    Attributes:
        model: Its name.
        done: Sentences answered, those from before included.
        sentences: Of all domains.
        answered: Sentences answered now.
        tokens: Generated for them.
        seconds: Spent on them.
    """

    model: str
    done: int
    sentences: int
    answered: int
    tokens: int
    seconds: float


class Predictions:
    """The answers of a model, in a file that grows with each of them; what is in it is not asked again."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a line that was cut off, as by a kill, is left out."""
        self._path = path
        self._known: dict[str, Answer] = {}
        self._cut_off = False
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path} cannot be read: {error}.", "Delete it to ask again.") from error
        self._cut_off = bool(text) and not text.endswith("\n")
        for line in text.split("\n"):
            try:
                row = json.loads(line)
                self._known[row["key"]] = Answer(row["answer"], row["truncated"], row["tokens"])
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, key: str) -> Answer | None:
        """The answer to a prompt; None if it was not asked yet."""
        return self._known.get(key)

    def add(self, key: str, answer: Answer, about: Mapping[str, str]) -> None:
        """Keep an answer.

        Args:
            key: Of model, prompt and settings.
            answer: The answer.
            about: What else is written for people who look at the file.
        """
        self._known[key] = answer
        row = {
            **about,
            "answer": answer.text,
            "truncated": answer.truncated,
            "tokens": answer.tokens,
            "key": key,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            # What comes next must not become a part of a line that was cut off.
            file.write("\n" * self._cut_off + json.dumps(row) + "\n")
        self._cut_off = False


def predictions_file(folder: Path, model: str) -> Path:
    """Where the answers of a model are kept."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")[-80:]
    return folder / f"predictions-{plain}-{hashlib.sha256(model.encode()).hexdigest()[:8]}.jsonl"


def ask(
    name: str,
    predictor: Callable[[], Predictor],
    identity: str,
    benchmark: Benchmark,
    folder: Path,
    *,
    flavour: Flavour,
    max_tokens: int,
    on_progress: Callable[[Asked], None] = lambda asked: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, list[Scored]] | None:
    """Ask a model about every sentence and score its answers, by domain in the order of the sentences.

    Answers are kept in the folder as they come. If all of them are there, the model is not loaded.

    Args:
        name: Of the model, among those that are compared.
        predictor: Loads the model.
        identity: What its answers depend on, beside prompt and settings.
        benchmark: The sentences.
        folder: Where answers are kept.
        flavour: Form of the code in which it is asked: the one it was trained in.
        max_tokens: Most tokens of an answer.
        on_progress: Told after every answer.
        stop: Asked after every answer; True ends, and None is returned.
    """
    kept = Predictions(predictions_file(folder, name))
    prompts = {domain.name: prompts_of(domain, flavour) for domain in benchmark.domains}
    keys = {
        domain: [_key(identity, prompt, max_tokens) for prompt in each] for domain, each in prompts.items()
    }
    total = sum(map(len, prompts.values()))
    done = sum(kept.get(key) is not None for each in keys.values() for key in each)
    before, started, tokens = done, time.monotonic(), 0
    loaded: Predictor | None = None
    on_progress(Asked(name, done, total, 0, 0, 0.0))
    for domain in benchmark.domains:
        own, left = keys[domain.name], [n for n, key in enumerate(keys[domain.name]) if kept.get(key) is None]
        if not left:
            continue
        loaded = loaded or predictor()
        for place, answer in loaded.answers([prompts[domain.name][n] for n in left], max_tokens):
            sentence = domain.sentences[left[place]]
            kept.add(own[left[place]], answer, {"domain": domain.name, "id": sentence.id})
            done, tokens = done + 1, tokens + answer.tokens
            on_progress(Asked(name, done, total, done - before, tokens, time.monotonic() - started))
            if stop():
                return None
    return {
        domain.name: [
            _scored(kept.get(key), sentence, domain)
            for key, sentence in zip(keys[domain.name], domain.sentences, strict=True)
        ]
        for domain in benchmark.domains
    }


def prompts_of(domain: Domain, flavour: Flavour) -> list[str]:
    """The prompts of a domain's sentences: schema, guidelines and text, rendered as for training."""
    return [render(domain.annotation_schema, None, sentence.text, flavour) for sentence in domain.sentences]


def _scored(answer: Answer | None, sentence: GoldSentence, domain: Domain) -> Scored:
    assert answer is not None, "every sentence was asked"
    return score_answer(answer.text, answer.truncated, sentence, domain.annotation_schema)


def _key(identity: str, prompt: str, max_tokens: int) -> str:
    return hashlib.sha256(f"{identity}\0{max_tokens}\0{prompt}".encode()).hexdigest()
