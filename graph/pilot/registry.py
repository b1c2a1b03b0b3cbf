"""The registry of classes: what was proposed for single documents, counted, with near-duplicates merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from rapidfuzz import fuzz

from schemas.judgement import Severity
from schemas.lint import folded_name, overlap
from schemas.pilot import MergeProposal, RegisteredClass, Ruling
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Guideline

ALIKE = 80.0
"""Similarity (0..100) of names or definitions from which two classes are put to the schema-designer."""


class Registry:
    """Classes proposed for the documents of a pilot, in the order of their first proposal."""

    def __init__(self, proposals: Mapping[str, AnnotationSchema]) -> None:
        """Count the classes of proposals, which are given by document id."""
        self._specs: dict[str, list[ClassSpec]] = {}
        self._documents: dict[str, list[str]] = {}
        self._domains = Counter(schema.domain for schema in proposals.values() if schema.domain)
        for document_id, schema in proposals.items():
            for spec in schema.classes:
                self._specs.setdefault(spec.name, []).append(spec)
                self._documents.setdefault(spec.name, []).append(document_id)
        self._into: dict[str, str] = {}
        self.merges: list[MergeProposal] = []

    @property
    def names(self) -> list[str]:
        """Classes that are not merged into another: those proposed for most documents first."""
        alone = [name for name in self._specs if name not in self._into]
        return sorted(alone, key=lambda name: -len(self.documents(name)))

    @property
    def domain(self) -> str:
        """The domain most documents have; of several, the first."""
        return self._domains.most_common(1)[0][0] if self._domains else ""

    def documents(self, name: str) -> list[str]:
        """Ids of the documents a class, or one merged into it, was proposed for."""
        members = [member for member in self._specs if self.standing_for(member) == name]
        return list(dict.fromkeys(each for member in members for each in self._documents[member]))

    def definition(self, name: str) -> str:
        """The first definition that a class was proposed with."""
        return next((d for spec in self._specs[name] if (d := spec.guideline.definition)), "")

    def standing_for(self, name: str) -> str:
        """The class that a class was merged into, or itself."""
        while name in self._into:
            name = self._into[name]
        return name

    def settle_plain_cases(self) -> list[MergeProposal]:
        """Merge what is one class beyond doubt, and propose what may be.

        The rule: classes of one name but for number, case and spelling, or with one definition, are merged
        (what lint calls a major overlap).

        Returns:
            The open proposals, on which the schema-designer has to rule.
        """
        doubtful: list[MergeProposal] = []
        for pair in combinations(list(self._specs), 2):
            kept, merged = sorted(pair, key=lambda name: -len(self._documents[name]))
            specs = [self._spec(name) for name in (kept, merged)]
            found = overlap(*specs)
            similarity, reason = _similarity(*specs)
            beyond_doubt = found is not None and found[0] is Severity.MAJOR
            proposal = MergeProposal(
                kept=kept,
                merged=merged,
                similarity=1.0 if beyond_doubt else similarity / 100,
                reason=reason,
                ruling=Ruling.ACCEPTED if beyond_doubt else Ruling.REFUSED,
                ruled_by="rule",
            )
            if beyond_doubt:
                self.merge(kept, merged)
                self.merges.append(proposal)
            elif found is not None or similarity >= ALIKE:
                doubtful.append(proposal)
        return [each for each in doubtful if not self._one(each)]

    def rule_on(self, open_: Iterable[MergeProposal], ruled_by: str) -> None:
        """Record what was ruled on open proposals: accepted if both names now stand for one class."""
        for proposal in open_:
            ruling = Ruling.ACCEPTED if self._one(proposal) else Ruling.REFUSED
            self.merges.append(proposal.model_copy(update={"ruling": ruling, "ruled_by": ruled_by}))

    def merge(self, kept: str, merged: str) -> None:
        """Let one class stand for another; nothing happens if it does already."""
        kept, merged = self.standing_for(kept), self.standing_for(merged)
        if kept != merged:
            self._into[merged] = kept

    def schema(self, names: Sequence[str], definitions: Mapping[str, str], domain: str) -> AnnotationSchema:
        """The schema of these classes, with fields that half of the documents of a class have for it.

        Args:
            names: Classes of the registry.
            definitions: Definitions that take the place of those proposed.
            domain: Subject matter; empty for the one most documents have.
        """
        return AnnotationSchema(
            domain=domain or self.domain,
            classes=tuple(
                ClassSpec(
                    name=name,
                    guideline=Guideline(definition=definitions.get(name) or self.definition(name)),
                    fields=self._fields(name),
                )
                for name in names
            ),
        )

    def entries(self, schema: AnnotationSchema) -> tuple[RegisteredClass, ...]:
        """All that was proposed, and which class of the schema stands for it."""
        return tuple(
            RegisteredClass(
                name=name,
                definition=self.definition(name),
                documents=tuple(self._documents[name]),
                kept_as=standing if (standing := self.standing_for(name)) in schema.names else None,
            )
            for name in self._specs
        )

    def _one(self, proposal: MergeProposal) -> bool:
        return self.standing_for(proposal.kept) == self.standing_for(proposal.merged)

    def _spec(self, name: str) -> ClassSpec:
        return ClassSpec(name=name, guideline=Guideline(definition=self.definition(name)))

    def _fields(self, name: str) -> tuple[FieldSpec, ...]:
        members = [
            spec
            for member, specs in self._specs.items()
            if self.standing_for(member) == name
            for spec in specs
        ]
        first: dict[str, FieldSpec] = {}
        counts: Counter[str] = Counter()
        for spec in members:
            for field in spec.fields:
                first.setdefault(field.name, field)
                counts[field.name] += 1
        return tuple(field for field in first.values() if counts[field.name] * 2 >= len(members))


def _similarity(first: ClassSpec, second: ClassSpec) -> tuple[float, str]:
    """How alike two classes are (0..100), and by what."""
    names = fuzz.token_sort_ratio(folded_name(first.name), folded_name(second.name))
    definitions = [spec.guideline.definition.casefold() for spec in (first, second)]
    meanings = fuzz.token_sort_ratio(*definitions) if all(definitions) else 0.0
    return (names, "alike in name") if names >= meanings else (meanings, "alike in definition")
