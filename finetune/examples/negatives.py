"""Hard negatives: classes of other documents' schemas of which a text has no mention.

Sampled by frequency, which brought UniNER 21.9 F1 (2308.03279), and by the likeness of names, which is what
makes them hard. Absence is verified as far as it can be: no phrase that is known to be a mention of the
class, in any document, stands in the text, and the class is near to none that the text has or had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from heapq import nlargest
from random import Random

from rapidfuzz import fuzz, process

from finetune.examples.models import Source
from finetune.examples.names import NEAR, joined, plain
from finetune.examples.words import Words, grams, words_of
from schemas.lint import is_catch_all
from schemas.schema import ClassSpec, Kind

_LIKEST = 10
"""Of so many classes with the likest names one is drawn, so that it is another one in the next pass."""


_ALIKE = 0.4
"""Names that are less alike are equally unlike."""


class ClassPool:
    """The classes of documents, with how often and as what they occur.

    Classes that are no use as negatives are left out: those that may mean anything (`Information`), and those
    with fields of other classes, which would have to come along.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        """Take the classes of the sources, and what is mentioned of them."""
        self._specs: defaultdict[str, list[ClassSpec]] = defaultdict(list)
        self._known: defaultdict[Words, set[str]] = defaultdict(set)
        for source in sources:
            for spec in source.annotation_schema.classes:
                if not is_catch_all(spec.name) and all(
                    field.type.kind is not Kind.CLASS for field in spec.fields
                ):
                    self._specs[joined(spec.name)].append(spec)
                for phrase in spec.anchor.examples if spec.anchor else ():
                    self._known[words_of(phrase)].add(joined(spec.name))
            for top in source.annotation.instances:
                for one in top.walk():
                    self._known[words_of(one.surface)].add(joined(one.class_name))
        self._lengths = sorted({len(words) for words in self._known if words})
        self._names = {key: plain(specs[0].name) for key, specs in self._specs.items()}
        self._joined = {key: key for key in self._specs}

    def absent_from(self, text: str, but: Collection[str], count: int, rng: Random) -> tuple[ClassSpec, ...]:
        """Draw classes of which a text has no known mention, by turns by frequency and by likeness of name.

        Args:
            text: The whole document, of which an example may be a passage.
            but: Names of all classes that its schema has or had: those that were left out may be mentioned.
            count: Most classes.
            rng: Draws them.
        """
        mentioned = self.mentioned_in(text)
        likeness = self._likeness(but, _ALIKE)
        left = [key for key in self._specs if key not in mentioned and likeness.get(key, 0.0) < NEAR]
        taken: list[ClassSpec] = []
        while left and len(taken) < count:
            if len(taken) % 2:
                key = rng.choice(nlargest(_LIKEST, left, key=lambda each: (likeness.get(each, 0.0), each)))
            else:
                (key,) = rng.choices(left, [len(self._specs[each]) for each in left])
            spec = rng.choice(self._specs[key])
            taken.append(_alone(spec))
            near = self._likeness([spec.name], NEAR)
            left = [each for each in left if each != key and each not in near]
        return tuple(taken)

    def mentioned_in(self, text: str) -> frozenset[str]:
        """Which classes have a known mention that stands in a text, whole words, whatever their case."""
        words = words_of(text)
        return frozenset(
            key
            for length in self._lengths
            for run in grams(words, length)
            for key in self._known.get(run, ())
        )

    def _likeness(self, names: Collection[str], least: float) -> dict[str, float]:
        """How alike each class's name is to the likest of some names, where it is at least so alike."""
        found: dict[str, float] = {}
        for name in names:
            for choices, query, scorer in (
                (self._joined, joined(name), fuzz.ratio),
                (self._names, plain(name), fuzz.token_sort_ratio),
            ):
                for _, score, key in process.extract(
                    query, choices, scorer=scorer, limit=None, score_cutoff=100 * least
                ):
                    found[key] = max(found.get(key, 0.0), score / 100)
        return found


def _alone(spec: ClassSpec) -> ClassSpec:
    """A class without what its guideline says of siblings, which are not there."""
    return spec.model_copy(update={"guideline": spec.guideline.model_copy(update={"contrast": ()})})
