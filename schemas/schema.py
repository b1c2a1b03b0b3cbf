"""The annotation schema: classes, their guidelines and their typed fields."""

from __future__ import annotations

import keyword
from enum import StrEnum
from typing import Self

from pydantic import Field, field_validator, model_validator

from schemas.base import Model, Prose

SPAN = "span"
"""Name of the field that holds the mention of an entity in schemas that GuideX designs."""


def require_identifier(value: str) -> str:
    """Return a name that can stand in Python code, or raise ValueError."""
    if not value.isidentifier() or not value.isascii() or keyword.iskeyword(value):
        raise ValueError(f"{value!r} is no usable Python identifier")
    if value.startswith("_") or len(value) > 100:
        raise ValueError(f"{value!r} must not start with an underscore or be longer than 100 characters")
    return value


class Kind(StrEnum):
    """The closed set of field types."""

    STR = "str"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    LITERAL = "literal"
    CLASS = "class"


class FieldType(Model):
    """Type of a field: a kind, single or list, required or optional."""

    kind: Kind = Field(default=Kind.STR, description="What one value is.")
    many: bool = Field(default=False, description="A list of such values.")
    optional: bool = Field(default=False, description="May be None.")
    choices: tuple[str, ...] = Field(default=(), description="The allowed strings; for kind literal only.")
    class_name: str | None = Field(default=None, description="The other class; for kind class only.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind is Kind.LITERAL) != bool(self.choices):
            raise ValueError("choices belong to kind 'literal', which needs at least one")
        if (self.kind is Kind.CLASS) != (self.class_name is not None):
            raise ValueError("class_name belongs to kind 'class', which needs it")
        return self


class FieldSpec(Model):
    """One field of a class."""

    name: str = Field(description="A Python identifier.")
    type: FieldType = Field(default_factory=FieldType, description="What values it takes.")
    description: Prose = Field(default="", description="Written as the field's comment.")
    verbatim: bool = Field(
        default=True, description="String values must stand in the document (always false for other kinds)."
    )
    examples: tuple[str, ...] = Field(
        default=(), description="Mentions from other documents, written as 'Such as' in the comment."
    )

    @field_validator("name")
    @classmethod
    def _identifier(cls, value: str) -> str:
        return require_identifier(value)

    @model_validator(mode="after")
    def _only_strings_are_verbatim(self) -> Self:
        if self.verbatim and self.type.kind is not Kind.STR:
            object.__setattr__(self, "verbatim", False)
        return self


class Contrast(Model):
    """How to tell a class from a sibling."""

    sibling: str = Field(description="Name of the other class.")
    difference: Prose = Field(description="What decides between the two.")


class Guideline(Model):
    """Annotation rules of one class; rendered as its docstring."""

    definition: Prose = Field(default="", description="What a mention of the class is.")
    include: tuple[Prose, ...] = Field(default=(), description="What to annotate.")
    exclude: tuple[Prose, ...] = Field(default=(), description="What not to annotate.")
    boundary: Prose = Field(default="", description="Where a mention starts and ends.")
    contrast: tuple[Contrast, ...] = Field(default=(), description="Sibling classes and the difference.")
    negatives: tuple[Prose, ...] = Field(
        default=(), description="Phrases from other documents that are no mentions of the class."
    )


class ClassSpec(Model):
    """A class of the schema."""

    name: str = Field(description="A Python identifier in CapWords.")
    guideline: Guideline = Field(default_factory=Guideline, description="Its annotation rules.")
    fields: tuple[FieldSpec, ...] = Field(
        default_factory=lambda: (FieldSpec(name=SPAN),), min_length=1, description="Its fields, in order."
    )

    @field_validator("name")
    @classmethod
    def _identifier(cls, value: str) -> str:
        return require_identifier(value)

    @model_validator(mode="after")
    def _distinct_fields(self) -> Self:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"class {self.name} has two fields of one name")
        return self

    @property
    def anchor(self) -> FieldSpec | None:
        """The field whose mention stands for the instance: the first verbatim one, if any."""
        for field in self.fields:
            if field.verbatim:
                return field
        return None


class AnnotationSchema(Model):
    """The classes that are annotated in a document or a corpus."""

    domain: Prose = Field(default="", description="Subject matter, in a few words.")
    classes: tuple[ClassSpec, ...] = Field(min_length=1, description="The classes, in order.")

    @model_validator(mode="after")
    def _closed(self) -> Self:
        names = set(self.names)
        if len(names) != len(self.classes):
            raise ValueError("two classes of one name")
        for spec in self.classes:
            for field in spec.fields:
                if field.type.class_name is not None and field.type.class_name not in names:
                    raise ValueError(
                        f"{spec.name}.{field.name} refers to class {field.type.class_name!r}, "
                        "which the schema does not have"
                    )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in order."""
        return tuple(spec.name for spec in self.classes)

    def get(self, name: str) -> ClassSpec | None:
        """The class of that name, or None."""
        for spec in self.classes:
            if spec.name == name:
                return spec
        return None

    def reach(self, name: str) -> frozenset[str]:
        """A class with those that its fields refer to, and theirs in turn; names of the schema's classes."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            spec = self.get(waiting.pop())
            if spec is not None and spec.name not in found:
                found.add(spec.name)
                waiting += [field.type.class_name for field in spec.fields if field.type.class_name]
        return frozenset(found)
