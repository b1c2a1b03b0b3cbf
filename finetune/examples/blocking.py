"""Labels that must not be seen in training, and the classes that are kept out for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from finetune.examples.names import NEAR, Similarity, nearest, string_similarity
from finetune.gold import class_of


@dataclass(frozen=True, slots=True)
class Blocking:
    """Labels that must not be seen in training.

    Attributes:
        labels: The labels.
        similarity: Of names in plain words.
        threshold: From which similarity a class is blocked; the same name, in whatever form, always is.
    """

    labels: tuple[str, ...]
    similarity: Similarity = string_similarity
    threshold: float = NEAR

    def blocked(self, names: Iterable[str]) -> dict[str, str]:
        """Which of some class names are blocked, each with the label it is the same as or near to.

        A label that gold shortens (`programlang`) blocks the class that it stands for, too.
        """
        meant = {form: label for label in self.labels for form in (class_of(label), label)}
        found = ((name, nearest(name, meant, self.similarity)) for name in names)
        return {
            name: meant[near[0]] for name, near in found if near is not None and near[1] >= self.threshold
        }
