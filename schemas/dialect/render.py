"""Write the dialect: classes with their guidelines, the document, the result; formatted by black."""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.annotation import Annotation, Instance, Scalar, Value
from schemas.dialect.comments import comment_text
from schemas.dialect.guidelines import docstring_source
from schemas.dialect.literals import MARKER, string_literal
from schemas.dialect.parse import DOMAIN, Flavour
from schemas.dialect.types import type_source
from schemas.dialect.values import instance_source
from schemas.errors import DialectError
from schemas.schema import SPAN, AnnotationSchema, ClassSpec, FieldSpec

_HEADER = {
    Flavour.GUIDEX: "# The following lines describe the annotation schema",
    Flavour.GOLLIE: "# The following lines describe the task definition",
}
_TEXT = "# This is the text to analyze"
_RESULT = "# The annotation instances that take place in the text above are listed here"
_INDENT = "    "
_PRAGMA = re.compile(r"(fmt|yapf|type|isort|pylint):", re.IGNORECASE)
_HIDDEN_COLON = "\ue000"  # of the private use area, so in no comment: prose is printable


def render(
    schema: AnnotationSchema,
    annotation: Annotation | None,
    document_text: str,
    flavour: Flavour = Flavour.GUIDEX,
) -> str:
    """Training text of a document: prompt and result.

    The code is formatted by black, but for the document: that is one double-quoted literal on one line
    whatever its length and quotes. `result =` stands exactly once. `parse` gives back the schema (for
    GoLLIE: as `as_gollie` makes it, without the domain), the text, and class names and values of the
    instances.

    Args:
        schema: Classes and guidelines.
        annotation: The instances; None renders the prompt alone, which ends in `result =`.
        document_text: The document.
        flavour: GuideX's form or GoLLIE's.

    Raises:
        DialectError: An instance does not fit the schema, or has no literal.
    """
    instances = () if annotation is None else annotation.instances
    if flavour is Flavour.GOLLIE:
        schema, instances = as_gollie(schema, instances)
    listed = ", ".join(instance_source(instance, schema) for instance in instances)
    parts = (
        _format(_schema_source(schema, flavour)),
        f"\n\n{_TEXT}\ntext = {string_literal(document_text)}\n\n{_RESULT}\n",
        f"{MARKER}\n" if annotation is None else _format(f"{MARKER} [{listed}]\n"),
    )
    text = "".join(parts)
    if text.count(MARKER) != 1:
        raise DialectError(f"The marker `{MARKER}` would stand in the text more than once.")
    return text.removesuffix("\n") if annotation is None else text


def render_schema(schema: AnnotationSchema) -> str:
    """A schema alone, as a file of Python classes, black-formatted; `schemas.given` reads it back.

    Args:
        schema: Classes and guidelines.
    """
    return _format(_schema_source(schema, Flavour.GUIDEX))


def split_prompt(text: str) -> tuple[str, str]:
    """Split a rendered text after the first `result =`; prompt + result == text.

    Raises:
        DialectError: There is no `result =`.
    """
    head, marker, tail = text.partition(MARKER)
    if not marker:
        raise DialectError(f"The text has no `{MARKER}`.")
    return head + marker, tail


def as_gollie(
    schema: AnnotationSchema, instances: tuple[Instance, ...] = ()
) -> tuple[AnnotationSchema, tuple[Instance, ...]]:
    """What the GoLLIE flavour can say: the anchor field of every class is called `span`.

    A class that has no anchor, or another field of that name, keeps its names. The domain is dropped.
    """
    renamed = {spec.name: _anchor_to_rename(spec) for spec in schema.classes}
    classes = tuple(
        spec.model_copy(
            update={"fields": tuple(_renamed_field(field, renamed[spec.name]) for field in spec.fields)}
        )
        for spec in schema.classes
    )
    return AnnotationSchema(classes=classes), tuple(_renamed_instance(item, renamed) for item in instances)


def _anchor_to_rename(spec: ClassSpec) -> str | None:
    if spec.anchor is None or any(field.name == SPAN for field in spec.fields):
        return None
    return spec.anchor.name


def _renamed_field(field: FieldSpec, anchor: str | None) -> FieldSpec:
    return field.model_copy(update={"name": SPAN}) if field.name == anchor else field


def _renamed_instance(instance: Instance, renamed: Mapping[str, str | None]) -> Instance:
    anchor = renamed.get(instance.class_name)

    def deep(value: Scalar) -> Scalar:
        return _renamed_instance(value, renamed) if isinstance(value, Instance) else value

    values: dict[str, Value] = {}
    for name, value in instance.values.items():
        new = tuple(map(deep, value)) if isinstance(value, tuple) else deep(value)
        values[SPAN if name == anchor else name] = new
    return instance.model_copy(
        update={
            "values": values,
            "mentions": tuple(
                mention.model_copy(update={"field": SPAN}) if mention.field == anchor else mention
                for mention in instance.mentions
            ),
        }
    )


def _schema_source(schema: AnnotationSchema, flavour: Flavour) -> str:
    lines = [_HEADER[flavour]]
    if schema.domain and flavour is Flavour.GUIDEX:
        lines.append(f"# {DOMAIN} {_harmless(schema.domain)}")
    classes = "\n\n".join(_class_source(spec, flavour) for spec in schema.classes)
    return "\n".join((*lines, classes))


def _class_source(spec: ClassSpec, flavour: Flavour) -> str:
    base = "(Entity)" if flavour is Flavour.GOLLIE else ""
    docstring = docstring_source(spec.guideline, _INDENT)
    fields = "".join(_field_source(field) for field in spec.fields)
    return f"@dataclass\nclass {spec.name}{base}:\n{docstring}{fields}"


def _field_source(field: FieldSpec) -> str:
    comment = _harmless(comment_text(field))
    return f"{_INDENT}{field.name}: {type_source(field.type)}{f'  # {comment}' if comment else ''}\n"


def _harmless(comment: str) -> str:
    """Keep black from taking words of a comment, such as `fmt: off`, for orders."""
    return _PRAGMA.sub(rf"\1{_HIDDEN_COLON}", comment)


def _format(source: str) -> str:
    import black  # lazy: takes a fifth of a second, and reading needs none of it

    return black.format_str(source, mode=black.Mode()).replace(_HIDDEN_COLON, ":")
