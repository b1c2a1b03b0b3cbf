"""An example as one pass shows it: what is drawn anew from the seed, the pass and the example."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from finetune.examples.candidates import with_candidates
from finetune.examples.models import Example, Origin, Source
from finetune.examples.negatives import ClassPool
from finetune.examples.regularisers import (
    Annotated,
    shuffled,
    with_dropped_classes,
    with_further_classes,
    with_masked_names,
    with_paraphrases,
)
from schemas.dialect import Flavour, render, split_prompt
from schemas.errors import DialectError
from schemas.example_bank import ExampleBank, mentioned
from schemas.recipe import ExamplesConfig
from schemas.schema import Guideline

CountTokens = Callable[[str], int]
"""How many tokens a text has, by the tokenizer of the model that is trained."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage that becomes an example.

    Attributes:
        id: Of the example.
        passage: The passage, with its instances and the classes that are shown.
        document: Its whole document, with the classes that are shown.
        known: Names of all classes of the document, those that are not shown included.
        plain: The example without any regularisation.
    """

    id: str
    passage: Source
    document: Source
    known: frozenset[str]
    plain: Example

    @property
    def is_gold(self) -> bool:
        """Whether people annotated it."""
        return self.passage.origin is Origin.GOLD


class Drawing:
    """The regularisers of a recipe, and what they take from other documents.

    Gold keeps its classes and guidelines: it neither gets those of other documents nor gives them, as its
    classes are often so broad (`Person`) that nothing proves them absent.
    """

    def __init__(self, pieces: Iterable[Piece], config: ExamplesConfig, count_tokens: CountTokens) -> None:
        """Gather what the documents have to give each other.

        Args:
            pieces: Those that are trained on.
            config: The recipe.
            count_tokens: The tokenizer.
        """
        self._config = config
        self._count_tokens = count_tokens
        documents = list({id(piece.document): piece.document for piece in pieces}.values())
        self._bank = ExampleBank(
            phrase
            for one in (documents if config.candidates else ())
            for phrase in mentioned(one.annotation, one.annotation_schema)
        )
        own = [one for one in documents if one.origin is not Origin.GOLD]
        self._pool = ClassPool(own if config.negatives else ())
        # A dictionary without values, as a set has no order that is the same in every process.
        self._guidelines: defaultdict[str, dict[Guideline, None]] = defaultdict(dict)
        for one in own if config.paraphrases else ():
            for spec in one.annotation_schema.classes:
                self._guidelines[spec.name][spec.guideline] = None

    def drawn(self, piece: Piece, rng: Random) -> Example:
        """An example of a piece.

        One that is longer than it may be is drawn without what comes from other documents, or left plain.

        Args:
            piece: The piece.
            rng: Of this example in this pass.
        """
        config = self._config
        made = Annotated(piece.passage.annotation_schema, piece.passage.annotation)
        if config.class_dropout:
            made = with_dropped_classes(made, rng, config.class_dropout)
        if config.shuffle:
            made = shuffled(made, rng)
        masked = rng.random() < config.masked
        for each in (self._with_others(made, piece, rng), made):
            example = rendered(
                piece.id, piece.passage, with_masked_names(each) if masked else each, config.flavour
            )
            if self._count_tokens(example.prompt + example.result) <= config.max_tokens:
                return example
        return piece.plain

    def _with_others(self, made: Annotated, piece: Piece, rng: Random) -> Annotated:
        """An annotated text with what other documents have to give."""
        config = self._config
        if not piece.is_gold:
            if config.paraphrases:
                made = with_paraphrases(made, rng, self._guidelines)
            if config.negatives:
                further = self._pool.absent_from(piece.document.text, piece.known, config.negatives, rng)
                made = with_further_classes(made, further, rng)
        return with_candidates(made, self._bank, piece.document, config.candidates, rng)


def rendered(identifier: str, passage: Source, made: Annotated, flavour: Flavour) -> Example:
    """An annotated passage as an example.

    Args:
        identifier: Of the example.
        passage: The passage.
        made: Its classes and instances, as they are shown.
        flavour: Form of the code.

    Raises:
        DialectError: It cannot be written.
    """
    try:
        text = render(made.schema, made.annotation, passage.text, flavour)
    except DialectError as error:
        raise DialectError(
            f"No example can be made of document {passage.id!r}: {error}", "Leave the document out."
        ) from error
    return Example(identifier, passage.id, *split_prompt(text))
