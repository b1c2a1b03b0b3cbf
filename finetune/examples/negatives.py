"""Hard negatives: classes of other documents' schemas of which a text has no mention.

Sampled by frequency, which brought UniNER 21.9 F1 (2308.03279), and by the likeness of names, which is what
makes them hard. Absence is verified as far as it can be: no phrase that is known to be a mention of the
class, in any document, stands in the text, and the class is near to none that the text has or had in dispute.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from finetune.examples.models import Source
from finetune.examples.names import NEAR, nearest, plain
from schemas.locate import normal_form
from schemas.schema import ClassSpec, Contrast, Kind

_SEPARATORS = str.maketrans(dict.fromkeys(".,;:!?()[]{}\"'«»“”‘’", " "))  # noqa: RUF001


class ClassPool:
    """The classes of all sources, with how often and as what they occur."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Take the classes of the sources; of a name that several have, the first one's guideline."""
        self._specs: dict[str, ClassSpec] = {}
        self._frequency: Counter[str] = Counter()
        self._surfaces: defaultdict[str, set[str]] = defaultdict(set)
        for source in sources:
            for spec in source.annotation_schema.classes:
                name = plain(spec.name)
                if all(field.type.kind is not Kind.CLASS for field in spec.fields):
                    self._specs.setdefault(name, spec)
                    self._frequency[name] += 1
            for top in source.annotation.instances:
                for one in top.walk():
                    self._surfaces[plain(one.class_name)].add(_spaced(one.surface))

    def absent_from(self, text: str, but: Sequence[str], count: int, rng: Random) -> tuple[ClassSpec, ...]:
        """Draw classes of which a text has no known mention.

        Every second one is the likest by name to those the text has, the others are drawn by frequency.

        Args:
            text: The whole document, of which an example may be a passage.
            but: Names of classes that are annotated in it or in dispute.
            count: Most classes.
            rng: Draws them.
        """
        spaced, here = f" {_spaced(text)} ", [plain(name) for name in but]
        left = {
            name: _nearness(name, here)
            for name in sorted(self._specs)
            if _nearness(name, here) < NEAR and not self._stands(name, spaced)
        }
        taken: list[ClassSpec] = []
        while left and len(taken) < count:
            if len(taken) % 2:
                name = max(left, key=lambda each: (left[each], each))
            else:
                (name,) = rng.choices(list(left), [self._frequency[each] for each in left])
            del left[name]
            taken.append(_alone(self._specs[name]))
        return tuple(taken)

    def _stands(self, name: str, spaced: str) -> bool:
        return any(f" {surface} " in spaced for surface in self._surfaces[name] if surface)


def _nearness(name: str, others: Sequence[str]) -> float:
    found = nearest(name, others)
    return found[1] if found else 0.0


def _spaced(text: str) -> str:
    """Normal form with punctuation as space, so that phrases are found whatever stands beside them."""
    return " ".join(normal_form(text).translate(_SEPARATORS).split())


def _alone(spec: ClassSpec) -> ClassSpec:
    """A class without what its guideline says of siblings, which are not there."""
    none: tuple[Contrast, ...] = ()
    return spec.model_copy(update={"guideline": spec.guideline.model_copy(update={"contrast": none})})
