"""Class definitions, read: dataclasses, GoLLIE's entities and Pydantic models alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from pydantic import ValidationError

from schemas.dialect.comments import read_comment
from schemas.dialect.enumerations import is_enumeration, read_choices
from schemas.dialect.guidelines import read_docstring
from schemas.dialect.literals import whole_string
from schemas.dialect.refusal import refuse
from schemas.dialect.scan import Comment
from schemas.dialect.types import Names, name_of, read_type
from schemas.schema import SPAN, ClassSpec, FieldSpec, Kind

GOLLIE_BASES = frozenset("Entity Value Relation Event Template".split())
_PLAIN_BASES = frozenset("object BaseModel NamedTuple TypedDict ABC".split())
_FIELD_CALLS = frozenset(("field", "Field"))
_FACTORIES = frozenset("list dict set tuple str List Dict Set".split())
_MOST_ANCESTORS = 16
_MOST_FIELDS = 500
_MOST_COMMENTS = 20  # lines above a field


@dataclass(frozen=True)
class Surroundings:
    """What a class body refers to: all classes of the program by name, and its comments by line."""

    classes: Mapping[str, ast.ClassDef]
    comments: Mapping[int, Comment]
    fields: dict[str, dict[str, FieldSpec]] = field(default_factory=dict)
    """Fields of the classes that have been read, inherited ones included."""

    @cached_property
    def names(self) -> Names:
        """Classes and enumerations by name, the latter with their values."""
        return {
            name: read_choices(node) if is_enumeration(node) else () for name, node in self.classes.items()
        }

    @cached_property
    def markers(self) -> frozenset[str]:
        """Bases that only say 'GoLLIE'. A class of such a name is a parent, unless it is its own base."""
        own = {name for name, node in self.classes.items() if name not in map(name_of, node.bases)}
        return GOLLIE_BASES - own

    @cached_property
    def known_bases(self) -> frozenset[str]:
        """All that a class may derive from."""
        return self.markers | _PLAIN_BASES | frozenset(self.classes)


def all_classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """Classes of a program in order of their lines; nested ones stand beside their outer class."""
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            yield node
            waiting += reversed(node.body)


def read_class(node: ast.ClassDef, around: Surroundings) -> ClassSpec | None:
    """Read a class; None for one that holds nothing but other classes.

    Raises:
        DialectError: It is more than a docstring and typed fields.
    """
    fields = _read_fields(node, around, ())
    if not fields and any(isinstance(item, ast.ClassDef) for item in node.body):
        return None
    if not fields and around.markers.intersection(_bases(node, around)):
        fields = {SPAN: FieldSpec(name=SPAN)}  # GoLLIE's `class X(Entity): pass`
    if not fields:
        raise refuse(node, f"class {node.name} has no fields")
    try:
        return ClassSpec(
            name=node.name,
            guideline=read_docstring(ast.get_docstring(node, clean=True) or ""),
            fields=tuple(fields.values()),
        )
    except ValidationError as error:
        raise refuse(node, f"class {node.name}: {error.errors()[0]['msg']}") from error


def _bases(node: ast.ClassDef, around: Surroundings) -> list[str]:
    """Names of the bases, after a check that there is nothing else in the class's head."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if name_of(called) != "dataclass":
            raise refuse(decorator, "the only decorator of the dialect is @dataclass")
        if isinstance(decorator, ast.Call) and not all(
            isinstance(value, ast.Constant)
            for value in (*decorator.args, *(keyword.value for keyword in decorator.keywords))
        ):
            raise refuse(decorator, "@dataclass takes constants only")
    if node.keywords or getattr(node, "type_params", None):
        raise refuse(node, f"class {node.name} may have neither keywords nor type parameters")
    names: list[str] = []
    for base in node.bases:
        name = name_of(base, around.classes)
        if name is None or name not in around.known_bases:
            raise refuse(base, f"class {node.name} derives from what is no class of the dialect")
        names.append(name)
    return names


def _read_fields(node: ast.ClassDef, around: Surroundings, below: tuple[str, ...]) -> dict[str, FieldSpec]:
    """Fields of the parents, then the class's own; each class is read once."""
    if node.name in around.fields:
        return around.fields[node.name]
    if node.name in below or len(below) > _MOST_ANCESTORS:
        raise refuse(node, f"class {node.name} derives from itself, or from too many")
    fields: dict[str, FieldSpec] = {}
    for base in _bases(node, around):
        if base not in around.markers and base in around.classes:
            fields |= _read_fields(around.classes[base], around, (*below, node.name))
    for position, item in enumerate(node.body):
        if isinstance(item, ast.AnnAssign):
            following = node.body[position + 1] if position + 1 < len(node.body) else None
            own = _read_field(item, _text(following), around)
            fields[own.name] = own
        elif (
            not isinstance(item, ast.Pass | ast.ClassDef) and not _is_remark(item) and not _is_settings(item)
        ):
            raise refuse(item, f"class {node.name} may hold typed fields and a docstring, not this")
    if len(fields) > _MOST_FIELDS:
        raise refuse(node, f"class {node.name} has more than {_MOST_FIELDS} fields")
    around.fields[node.name] = fields
    return fields


def _text(node: ast.stmt | None) -> str:
    """The string that stands as a statement, else nothing."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else ""
    return ""


def _is_remark(node: ast.stmt) -> bool:
    """A docstring, or `...`."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and (node.value.value is ... or isinstance(node.value.value, str))
    )


def _is_settings(node: ast.stmt) -> bool:
    """Pydantic's `model_config = ConfigDict(...)`, which says nothing about the data, with constants only."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return False
    named = [target.id for target in node.targets if isinstance(target, ast.Name)]
    values = (*node.value.args, *(keyword.value for keyword in node.value.keywords))
    return (
        named == ["model_config"]
        and name_of(node.value.func) == "ConfigDict"
        and all(isinstance(value, ast.Constant) for value in values)
    )


def _read_field(node: ast.AnnAssign, docstring: str, around: Surroundings) -> FieldSpec:
    if not isinstance(node.target, ast.Name):
        raise refuse(node, "a field is a plain name")
    annotation, said = _read_annotated(node.annotation, around.names)
    field_type, verbatim = read_type(annotation, around.names)
    if node.value is not None:
        default = _read_default(node.value, around.names)
        if default.is_none:
            field_type = field_type.model_copy(update={"optional": True})
        said = Said(default.description or said.description, examples=default.examples or said.examples)
    text = _comment(node, around.comments) or docstring or said.description
    try:
        description, stands, examples = read_comment(text)
        return FieldSpec(
            name=node.target.id,
            type=field_type,
            description=description,
            verbatim=verbatim and stands and field_type.kind is Kind.STR,
            examples=examples or said.examples,
        )
    except ValidationError as error:
        raise refuse(node, f"field {node.target.id}: {error.errors()[0]['msg']}") from error
    except ValueError as error:
        raise refuse(node, str(error)) from error


def _comment(node: ast.AnnAssign, comments: Mapping[int, Comment]) -> str:
    """Comments on the field's own lines, else the block of comments right above it."""
    last = node.end_lineno or node.lineno
    own = [comments[line].text for line in range(node.lineno, last + 1) if line in comments]
    if own:
        return " ".join(own)
    above: list[str] = []
    line = node.lineno - 1
    while line in comments and comments[line].alone and len(above) < _MOST_COMMENTS:
        above.append(comments[line].text)
        line -= 1
    return " ".join(reversed(above))


class Said(NamedTuple):
    """What a default, or the metadata of an annotation, says about a field."""

    description: str = ""
    is_none: bool = False
    examples: tuple[str, ...] = ()


def _read_annotated(node: ast.expr, names: Names) -> tuple[ast.expr, Said]:
    """The type within `Annotated[...]`, and what a string or a call of `Field` beside it says."""
    if not isinstance(node, ast.Subscript) or name_of(node.value) != "Annotated":
        return node, Said()
    if not isinstance(node.slice, ast.Tuple) or len(node.slice.elts) < 2:
        raise refuse(node, "Annotated needs a type and something about it")
    inner, *metadata = node.slice.elts
    description = ""
    examples: tuple[str, ...] = ()
    for item in metadata:
        said = _read_default(item, names) if isinstance(item, ast.Call) else Said(_constant_text(item))
        description, examples = description or said.description, examples or said.examples
    return inner, Said(description, examples=examples)


def _read_default(node: ast.expr, names: Names) -> Said:
    """What a default says, a call of `Field` or `field` too.

    Other defaults than None have no place in the schema and are dropped.
    """
    if not isinstance(node, ast.Call):
        return Said(is_none=_check_default(node, names))
    if name_of(node.func) not in _FIELD_CALLS:
        raise refuse(node, "a default is a constant, an empty list or `field(...)`")
    described, is_none = "", False
    examples: tuple[str, ...] = ()
    for argument in node.args:
        is_none = _check_default(argument, names) or is_none
    for keyword in node.keywords:
        if keyword.arg == "description":
            described = _constant_text(keyword.value)
        elif keyword.arg == "metadata":
            described = described or _metadata(keyword.value, names)
        elif keyword.arg == "examples" and isinstance(keyword.value, ast.List):
            examples = tuple(map(_constant_text, keyword.value.elts))
        elif keyword.arg == "default_factory":
            if name_of(keyword.value) not in _FACTORIES.union(names):
                raise refuse(keyword.value, "default_factory must be list, dict, set, tuple or a class")
        else:
            nothing = _check_default(keyword.value, names)
            is_none = is_none or (keyword.arg == "default" and nothing)
    return Said(described, is_none, examples)


def _metadata(node: ast.expr, names: Names) -> str:
    if not isinstance(node, ast.Dict):
        raise refuse(node, "metadata must be a dict of constants")
    _check_default(node, names)
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value in ("description", "help", "doc"):
            return _constant_text(value)
    return ""


def _constant_text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise refuse(node, "a description or an example must be a string")
    try:
        return whole_string(node.value)
    except ValueError as error:
        raise refuse(node, str(error)) from error


def _check_default(node: ast.expr, names: Names) -> bool:
    """Refuse anything but constants, displays of them and members of enumerations; say whether it is None."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and names.get(node.value.id):
        return False
    for part in ast.walk(node):
        if not isinstance(
            part,
            ast.Constant | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.UnaryOp | ast.USub | ast.Load,
        ):
            raise refuse(node, "a default is a constant, an empty list or `field(...)`")
    return isinstance(node, ast.Constant) and node.value is None
