"""From sources to examples: curated once, and regularised anew for every pass over them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from finetune.examples.curating import blocked_names, held_out, restricted_to, without_copies
from finetune.examples.models import Example, ExamplesReport, LeftOut, Origin, Source
from finetune.examples.names import NEAR, Similarity, string_similarity
from finetune.examples.negatives import ClassPool
from finetune.examples.passages import passages_of
from finetune.examples.regularisers import (
    Annotated,
    shuffled,
    with_dropped_classes,
    with_further_classes,
    with_masked_names,
    with_paraphrases,
)
from schemas.dialect import Flavour, render, split_prompt
from schemas.errors import UsageError
from schemas.example_bank import ExampleBank, mentioned
from schemas.locate import normal_form
from schemas.recipe import ExamplesConfig
from schemas.schema import AnnotationSchema, Guideline

CountTokens = Callable[[str], int]
"""How many tokens a text has, by the tokenizer of the model that is trained."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """Labels that must not be seen in training.

    Attributes:
        labels: The labels.
        similarity: Of names in plain words.
        threshold: From which similarity a class is blocked; the same name in plain words always is.
    """

    labels: Sequence[str]
    similarity: Similarity = string_similarity
    threshold: float = NEAR


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage that becomes an example, and the document it is from."""

    id: str
    source: Source
    document: Source


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
    """
    return _Building(config, seed, count_tokens, blocking).build([*gold, *sources])


class ExampleSet:
    """Examples to train on, regularised anew for every pass, and some that are held out."""

    def __init__(
        self,
        training: Sequence[_Passage],
        validation: Sequence[_Passage],
        config: ExamplesConfig,
        seed: int,
        count_tokens: CountTokens,
        report: ExamplesReport,
    ) -> None:
        """Take what `build_examples` has prepared."""
        self._training = training
        self._config = config
        self._seed = seed
        self._count_tokens = count_tokens
        self.report = report
        documents = {id(each.document): each.document for each in training}.values()
        self._pool = ClassPool(documents)
        self._bank = ExampleBank(
            phrase for one in documents for phrase in mentioned(one.annotation, one.annotation_schema)
        )
        self._guidelines: dict[str, list[Guideline]] = defaultdict(list)
        for one in documents:
            for spec in one.annotation_schema.classes:
                if spec.guideline not in self._guidelines[spec.name]:
                    self._guidelines[spec.name].append(spec.guideline)
        self.validation = tuple(plain_example(each, config.flavour) for each in validation)
        digest = hashlib.sha256(f"{seed} {config.model_dump_json()}".encode())
        for each in sorted((*training, *validation), key=lambda each: each.id):
            digest.update(repr(plain_example(each, config.flavour)).encode())
        self.data_hash = digest.hexdigest()
        """Hash (hex) of the examples, their settings and the seed: equal hashes, equal passes."""

    def __len__(self) -> int:
        """Examples of one pass."""
        return sum(1 for _ in self._order())

    def epoch(self, number: int) -> tuple[Example, ...]:
        """The examples of a pass, in a random order, regularised for this pass.

        Args:
            number: Of the pass, from 0.
        """
        made = [
            self._regularised(each, Random(f"{self._seed} {number} {copy} {each.id}"))
            for each, copy in self._order()
        ]
        Random(f"{self._seed} {number} order").shuffle(made)
        return tuple(made)

    def _order(self) -> Iterator[tuple[_Passage, int]]:
        """Passages with the number of their copy; a set share repeats the smaller of data and gold."""
        own = [each for each in self._training if each.source.origin is not Origin.GOLD]
        gold = [each for each in self._training if each.source.origin is Origin.GOLD]
        share = self._config.gold_share
        parts = [(own, len(own)), (gold, len(gold))]
        if share == 0 or share == 1:
            parts = [(own, len(own) if not share else 0), (gold, len(gold) if share else 0)]
        elif share is not None and own and gold:
            total = max(len(own) / (1 - share), len(gold) / share)
            parts = [(own, round(total * (1 - share))), (gold, round(total * share))]
        for part, count in parts:
            for number in range(count if part else 0):
                yield part[number % len(part)], number // len(part)

    def _regularised(self, passage: _Passage, rng: Random) -> Example:
        config, source, document = self._config, passage.source, passage.document
        made = Annotated(source.annotation_schema, source.annotation)
        if config.class_dropout:
            made = with_dropped_classes(made, rng, config.class_dropout)
        if config.paraphrases:
            made = with_paraphrases(made, rng, self._guidelines)
        if config.shuffle:
            made = shuffled(made, rng)
        without_additions = made
        if config.negatives:
            but = (*document.annotation_schema.names, *document.annotation.unknown_classes)
            further = self._pool.absent_from(document.text, but, config.negatives, rng)
            made = with_further_classes(made, further, rng)
        if config.candidates:
            schema = self._with_candidates(made.schema, document, str(rng.random()))
            made = made._replace(schema=schema)
        masked = rng.random() < config.masked
        example = _example(passage, with_masked_names(made) if masked else made, config.flavour)
        if self._count_tokens(example.prompt + example.result) <= config.max_tokens:
            return example
        # It has grown beyond the budget; as it was before, it was measured.
        smaller = with_masked_names(without_additions) if masked else without_additions
        return _example(passage, smaller, config.flavour)

    def _with_candidates(self, schema: AnnotationSchema, document: Source, salt: str) -> AnnotationSchema:
        """The schema with phrases of other documents, none of which stands in this one."""
        text, most = normal_form(document.text), self._config.candidates
        own = [each.phrase for each in mentioned(document.annotation, document.annotation_schema)]
        # More than are shown, as some of them may stand in the text.
        given = self._bank.given_to(schema, document.id, own, most=3 * most, salt=salt)
        classes = tuple(
            spec.model_copy(
                update={
                    "guideline": before.guideline,
                    "fields": tuple(
                        field.model_copy(
                            update={
                                "examples": tuple(
                                    phrase for phrase in field.examples if normal_form(phrase) not in text
                                )[:most]
                            }
                        )
                        for field in spec.fields
                    ),
                }
            )
            for spec, before in zip(given.classes, schema.classes, strict=True)
        )
        return schema.model_copy(update={"classes": classes})


def plain_example(passage: _Passage, flavour: Flavour) -> Example:
    """A passage as it was annotated, without any regularisation."""
    return _example(passage, Annotated(passage.source.annotation_schema, passage.source.annotation), flavour)


def _example(passage: _Passage, made: Annotated, flavour: Flavour) -> Example:
    text = render(made.schema, made.annotation, passage.source.text, flavour)
    prompt, result = split_prompt(text)
    return Example(passage.id, passage.document.id, prompt, result)


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

    def build(self, given: Sequence[Source]) -> ExampleSet:
        in_order = sorted(given, key=lambda one: (one.origin is not Origin.GOLD, one.id))
        kept, copies = without_copies(in_order, self._config.duplicates)
        self._documents.update(reason for _, reason in copies)
        names = dict.fromkeys(name for one in kept for name in one.annotation_schema.names)
        blocking = self._blocking
        blocked = (
            blocked_names(names, blocking.labels, blocking.similarity, blocking.threshold) if blocking else {}
        )
        documents = [made for one in kept if (made := self._showable(one, blocked)) is not None]
        own = (one.id for one in documents if one.origin is not Origin.GOLD)
        out = held_out(own, self._config.validation, self._seed)
        passages = [
            _Passage(f"{one.id}#{number}", piece, one)
            for one in documents
            for number, piece in enumerate(passages_of(one, self._config.passage_chars))
        ]
        short = [each for each in passages if self._fits(each)]
        validation = [each for each in short if each.document.id in out and not _is_gold(each)]
        training = self._without_surplus([each for each in short if each not in validation])
        report = self._report(given, passages, training, validation, tuple(sorted(blocked)))
        if not training:
            raise UsageError(f"There is nothing to train on: {_in_words(report)}.", _REMEDY)
        return ExampleSet(training, validation, self._config, self._seed, self._count_tokens, report)

    def _showable(self, source: Source, blocked: Iterable[str]) -> Source | None:
        """The source without classes that are blocked or in dispute; None if there are no others."""
        blocked, unknown = set(blocked), set(source.annotation.unknown_classes)
        names = source.annotation_schema.names
        made = restricted_to(source, [name for name in names if name not in blocked | unknown])
        if made is None:
            self._documents[LeftOut.BLOCKED if set(names) - unknown else LeftOut.UNKNOWN] += 1
        return made

    def _fits(self, passage: _Passage) -> bool:
        example = plain_example(passage, self._config.flavour)
        fits = self._count_tokens(example.prompt + example.result) <= self._config.max_tokens
        if not fits:
            self._passages[LeftOut.LONG] += 1
        return fits

    def _without_surplus(self, passages: Sequence[_Passage]) -> list[_Passage]:
        """Leave out examples without an instance beyond the share of those, drawn by the seed."""
        empty = sorted(each.id for each in passages if not each.source.annotation.instances)
        full, share = len(passages) - len(empty), self._config.empty
        most = len(empty) if share == 1 else int(share * full / (1 - share))
        surplus = set(Random(f"{self._seed} empty").sample(empty, max(len(empty) - most, 0)))
        self._passages[LeftOut.EMPTY] += len(surplus)
        return [each for each in passages if each.id not in surplus]

    def _report(
        self,
        given: Sequence[Source],
        passages: Sequence[_Passage],
        training: Sequence[_Passage],
        validation: Sequence[_Passage],
        blocked: tuple[str, ...],
    ) -> ExamplesReport:
        examples = [plain_example(each, self._config.flavour) for each in training]
        classes = Counter({name: 0 for each in training for name in each.source.annotation_schema.names})
        for each in training:
            classes.update(one.class_name for top in each.source.annotation.instances for one in top.walk())
        documents = {id(each.document): each.document for each in training}.values()
        return ExamplesReport(
            documents=len(given),
            documents_left_out=dict(self._documents),
            passages=len(passages),
            passages_left_out={reason: count for reason, count in self._passages.items() if count},
            training=len(training),
            validation=len(validation),
            gold=sum(map(_is_gold, training)),
            tokens=sum(self._count_tokens(each.prompt + each.result) for each in examples),
            result_tokens=sum(self._count_tokens(each.result) for each in examples),
            instances=sum(len(each.source.annotation.instances) for each in training),
            empty=sum(not each.source.annotation.instances for each in training),
            classes=dict(sorted(classes.items())),
            blocked=blocked,
            licences=dict(Counter(one.licence or "not stated" for one in documents)),
            credits=tuple(sorted({one.credit for one in documents if one.credit})),
        )


_REMEDY = "Accept more documents (`guidex threshold sweep`), allow longer examples, or block fewer labels."


def _is_gold(passage: _Passage) -> bool:
    return passage.source.origin is Origin.GOLD


def _in_words(report: ExamplesReport) -> str:
    """What was left out, and how often."""
    reasons = [f"{count} {reason.value}" for reason, count in report.documents_left_out.items()]
    reasons += [f"{count} {reason.value}" for reason, count in report.passages_left_out.items()]
    return ", ".join([f"{report.documents} documents came in", *reasons])
