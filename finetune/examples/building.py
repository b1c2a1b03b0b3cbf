"""From sources to a set of examples: curated once, every step counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random

from finetune.examples.blocking import Blocking
from finetune.examples.candidates import without_own_phrases
from finetune.examples.curating import (
    held_out,
    restricted_to,
    with_distinct_ids,
    with_grounded_instances,
    without_copies,
)
from finetune.examples.drawing import CountTokens, Piece, rendered
from finetune.examples.example_set import ExampleSet
from finetune.examples.models import ExamplesReport, LeftOut, Origin, Source
from finetune.examples.passages import passages_of
from finetune.examples.regularisers import Annotated
from schemas.errors import UsageError
from schemas.recipe import ExamplesConfig


def build_examples(
    sources: Iterable[Source],
    config: ExamplesConfig,
    *,
    seed: int,
    count_tokens: CountTokens,
    gold: Iterable[Source] = (),
    blocking: Blocking | None = None,
) -> ExampleSet:
    """Curate sources and prepare their examples.

    Copies of texts are left out, those of gold last, so that gold stays; then blocked classes and those in
    dispute, with their instances; long texts become passages; some documents are held out; passages that are
    too long or beyond the share of empty ones are left out. All of it is counted in the set's report.

    Args:
        sources: What was accepted, or whatever is to be learnt from.
        config: What is taken, and the regularisers.
        seed: Of every draw. Draws depend on it, the pass and the document, not on the order of sources.
        count_tokens: The tokenizer.
        gold: Annotations by people, mixed in as `config.gold_share` says; never held out.
        blocking: Labels that must not be seen.

    Raises:
        UsageError: Nothing is left to train on; the message says why.
        DialectError: An instance does not fit its schema.
    """
    return _Building(config, seed, count_tokens, blocking).build([*gold, *sources])


class _Building:
    """One pass over the sources, and what was left out on the way."""

    def __init__(
        self, config: ExamplesConfig, seed: int, count_tokens: CountTokens, blocking: Blocking | None
    ) -> None:
        self._config = config
        self._seed = seed
        self._count_tokens = count_tokens
        self._blocking = blocking
        self._documents: Counter[LeftOut] = Counter()
        self._passages: Counter[LeftOut] = Counter()
        self._ungrounded = 0

    def build(self, given: Sequence[Source]) -> ExampleSet:
        in_order = sorted(given, key=lambda one: (one.origin is not Origin.GOLD, one.id, one.text))
        kept, copies = without_copies(in_order, self._config.duplicates)
        self._documents.update(reason for _, reason in copies)
        kept = with_distinct_ids(kept)
        names = dict.fromkeys(name for one in kept for name in one.annotation_schema.names)
        blocked = self._blocking.blocked(names) if self._blocking else {}
        known = {one.id: frozenset(one.annotation_schema.names) for one in kept}
        documents = [made for one in kept if (made := self._showable(one, frozenset(blocked))) is not None]
        own = (one.id for one in documents if one.origin is not Origin.GOLD)
        out = held_out(own, self._config.validation, self._seed)
        passages = [
            (number, passage, one)
            for one in documents
            for number, passage in enumerate(passages_of(one, self._config.passage_chars))
        ]
        pieces = [
            self._piece(number, shown, one, known[one.id])
            for number, passage, one in passages
            if (shown := self._undisputed(passage)) is not None
        ]
        short = [piece for piece in pieces if self._fits(piece)]
        validation = [piece for piece in short if piece.document.id in out]
        training = self._without_surplus([piece for piece in short if piece.document.id not in out])
        report = self._report(given, len(passages), training, validation, tuple(sorted(blocked)))
        if not training:
            raise UsageError(f"There is nothing to train on: {_in_words(report)}.", _REMEDY)
        return ExampleSet(training, validation, self._config, self._seed, self._count_tokens, report)

    def _showable(self, source: Source, blocked: frozenset[str]) -> Source | None:
        """The source without classes that are blocked or in dispute; None if there are no others."""
        settled, ungrounded = with_grounded_instances(source)
        self._ungrounded += ungrounded
        schema = settled.annotation_schema
        free = [name for name in schema.names if not schema.reach(name) & blocked]
        made = restricted_to(settled, [name for name in free if name not in settled.unknown])
        if made is None:
            self._documents[LeftOut.UNKNOWN if free else LeftOut.BLOCKED] += 1
            return None
        return without_own_phrases(made)

    def _undisputed(self, passage: Source) -> Source | None:
        """The passage without classes that were in dispute in it; None if there are no others."""
        disputed = {name for *_, name in passage.disputes}
        names = [name for name in passage.annotation_schema.names if name not in disputed]
        made = restricted_to(passage, names)
        self._passages[LeftOut.UNKNOWN] += made is None
        return made

    def _piece(self, number: int, passage: Source, document: Source, known: frozenset[str]) -> Piece:
        identifier = f"{document.id}#{number}"
        annotated = Annotated(passage.annotation_schema, passage.annotation)
        plain = rendered(identifier, passage, annotated, self._config.flavour)
        return Piece(identifier, passage, document, known, plain)

    def _fits(self, piece: Piece) -> bool:
        fits = self._count_tokens(piece.plain.prompt + piece.plain.result) <= self._config.max_tokens
        self._passages[LeftOut.LONG] += not fits
        return fits

    def _without_surplus(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Leave out examples without an instance beyond the share of those, drawn by the seed."""
        empty = sorted(piece.id for piece in pieces if not piece.passage.annotation.instances)
        full, share = len(pieces) - len(empty), self._config.empty
        most = len(empty) if share == 1 else int(share * full / (1 - share))
        surplus = set(Random(f"{self._seed} empty").sample(empty, max(len(empty) - most, 0)))
        self._passages[LeftOut.EMPTY] += len(surplus)
        return [piece for piece in pieces if piece.id not in surplus]

    def _report(
        self,
        given: Sequence[Source],
        passages: int,
        training: Sequence[Piece],
        validation: Sequence[Piece],
        blocked: tuple[str, ...],
    ) -> ExamplesReport:
        classes = Counter({name: 0 for each in training for name in each.passage.annotation_schema.names})
        for each in training:
            classes.update(one.class_name for top in each.passage.annotation.instances for one in top.walk())
        documents = list({each.document.id: each.document for each in training}.values())
        return ExamplesReport(
            documents=len(given),
            documents_left_out=dict(self._documents),
            passages=passages,
            passages_left_out={reason: count for reason, count in self._passages.items() if count},
            ungrounded=self._ungrounded,
            training=len(training),
            validation=len(validation),
            gold=sum(each.is_gold for each in training),
            tokens=sum(self._count_tokens(each.plain.prompt + each.plain.result) for each in training),
            result_tokens=sum(self._count_tokens(each.plain.result) for each in training),
            instances=sum(len(each.passage.annotation.instances) for each in training),
            empty=sum(not each.passage.annotation.instances for each in training),
            classes=dict(sorted(classes.items())),
            blocked=blocked,
            licences=dict(Counter(one.licence or "not stated" for one in documents)),
            credits=tuple(sorted({one.credit for one in documents if one.credit})),
        )


_REMEDY = "Accept more documents (`guidex threshold sweep`), allow longer examples, or block fewer labels."


def _in_words(report: ExamplesReport) -> str:
    """What was left out, and how often."""
    left_out = (*report.documents_left_out.items(), *report.passages_left_out.items())
    reasons = [f"{count} {reason.value}" for reason, count in left_out]
    return ", ".join([f"of {report.documents} documents", *(reasons or ["none"])])
