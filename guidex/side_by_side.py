"""What the annotators of a round say, side by side: each instance once, with everybody who found it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from graph.agreement import content
from graph.consensus import key_of
from schemas.annotation import Annotation, Instance, MentionStatus, Value
from schemas.base import Model
from schemas.judgement import MentionJudgement
from schemas.objections import Objection
from schemas.rounds import Round

Key = tuple[object, ...]
"""What makes instances of two annotators the same one."""


class FieldReading(Model):
    """A value of a field, and who gives it."""

    field: str = Field(description="Name of the field.")
    value: Value = Field(description="The value.")
    annotators: tuple[int, ...] = Field(description="Who gives it, counted from 0.")


class SideBySide(Model):
    """An instance that somebody found."""

    number: int = Field(description="Count in its round, from 1, in document order.")
    versions: dict[int, Instance] = Field(
        description="The instance as each annotator has it, counted from 0; those who do not are left out."
    )
    before: tuple[int, ...] | None = Field(
        default=None, description="Who had it in the round before; None for a first round."
    )
    annotators: int = Field(description="How many annotators there are.")
    agreed: bool = Field(description="Whether the annotators agree on it.")
    judgement: MentionJudgement | None = Field(default=None, description="What the critic says of it.")
    objections: tuple[Objection, ...] = Field(default=(), description="What was objected to about it.")

    @property
    def instance(self) -> Instance:
        """The instance, as the first who found it has it."""
        return next(iter(self.versions.values()))

    @property
    def span(self) -> tuple[int, int] | None:
        """Where it stands, (start, end) in code points; None if nowhere."""
        return self.instance.anchor.span if self.instance.anchor else None

    @property
    def readings(self) -> tuple[FieldReading, ...]:
        """The values of its other fields, and who gives each; empty ones are left out."""
        given: dict[tuple[str, object], list[int]] = {}
        values: dict[tuple[str, object], Value] = {}
        for annotator, instance in self.versions.items():
            anchor = instance.anchor.field if instance.anchor else None
            for name, value in instance.values.items():
                # A list that stands for its instance has more than what it is known by.
                if value in (None, ()) or (name == anchor and not isinstance(value, tuple)):
                    continue
                key = (name, content(value))
                given.setdefault(key, []).append(annotator)
                values.setdefault(key, value)
        return tuple(
            FieldReading(field=name, value=values[name, said], annotators=tuple(annotators))
            for (name, said), annotators in given.items()
        )

    @property
    def disputed(self) -> bool:
        """Whether annotators differ: not all have it, or not with the same values."""
        return len(self.versions) < self.annotators or any(
            len(reading.annotators) < len(self.versions) for reading in self.readings
        )

    def status(self, annotator: int) -> MentionStatus | None:
        """How an annotator's quote was found; None without it, or without anything to quote."""
        instance = self.versions.get(annotator)
        return instance.anchor.status if instance is not None and instance.anchor is not None else None


def side_by_side(
    round_: Round, before: Round | None = None, objections: Sequence[Objection] = ()
) -> tuple[SideBySide, ...]:
    """Every distinct instance of a round in document order; those that stand nowhere come last.

    Args:
        round_: The round.
        before: The round before it, to tell what is new.
        objections: Those to be told with the instances that they are about.
    """
    agreed = {key_of(instance) for instance in round_.agreed.instances}
    judged: dict[Key, MentionJudgement] = {(said.class_name, said.span): said for said in round_.judgements}
    known = (
        None if before is None else {key: tuple(had) for key, had in _versions(before.annotations).items()}
    )
    return tuple(
        SideBySide(
            number=number,
            versions=versions,
            before=None if known is None else known.get(key, ()),
            annotators=len(round_.annotations),
            agreed=key in agreed,
            judgement=judged.get(key),
            objections=tuple(_about(key, next(iter(versions.values())), objections)),
        )
        for number, (key, versions) in enumerate(_versions(round_.annotations).items(), 1)
    )


def given_up(round_: Round, before: Round | None) -> tuple[Instance, ...]:
    """What somebody had found in the round before, and nobody has any more; in document order."""
    if before is None:
        return ()
    kept = _versions(round_.annotations)
    return tuple(
        next(iter(versions.values()))
        for key, versions in _versions(before.annotations).items()
        if key not in kept
    )


def in_words(value: Value) -> str:
    """A value as it is read: lists in brackets, a nested instance by its class, its text and its fields."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(in_words, value))}]"
    if isinstance(value, Instance):
        anchor = value.anchor
        parts = [value.surface or anchor.quote] if anchor else []
        parts += [
            f"{name}={in_words(each)}"
            for name, each in value.values.items()
            if each not in (None, ()) and (anchor is None or name != anchor.field)
        ]
        return f"{value.class_name}({'; '.join(parts)})"
    return str(value)


def _versions(annotations: Sequence[Annotation]) -> Mapping[Key, dict[int, Instance]]:
    """Every distinct instance, in document order, as each annotator has it."""
    found: dict[Key, dict[int, Instance]] = {}
    for annotator, annotation in enumerate(annotations):
        for instance in annotation.instances:
            found.setdefault(_key(instance), {}).setdefault(annotator, instance)
    return dict(sorted(found.items(), key=lambda item: _place(next(iter(item[1].values())))))


def _key(instance: Instance) -> Key:
    """Quotes that stand nowhere have no span to tell them apart."""
    lost = instance.anchor is not None and instance.anchor.span is None
    return (*key_of(instance), instance.anchor.quote) if lost and instance.anchor else key_of(instance)


def _place(instance: Instance) -> tuple[int, int]:
    span = instance.anchor.span if instance.anchor else None
    return span or (1 << 60, 0)


def _about(key: Key, instance: Instance, objections: Sequence[Objection]) -> Iterator[Objection]:
    quote = instance.anchor.quote if instance.anchor else None
    for objection in objections:
        finding = objection.finding
        if finding.class_name != instance.class_name:
            continue
        if finding.span == key[1] if finding.span else quote is not None and finding.quote == quote:
            yield objection
