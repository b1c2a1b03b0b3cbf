"""Field types as annotations, both ways."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

from schemas.dialect.literals import string_literal, whole_string
from schemas.dialect.refusal import refuse
from schemas.dialect.syntax import parse_expression
from schemas.schema import FieldType, Kind

_PLAIN = {"str": Kind.STR, "int": Kind.INT, "float": Kind.FLOAT, "bool": Kind.BOOL}
_LISTS = frozenset("List list Sequence Tuple tuple Set set FrozenSet frozenset".split())
_MAPPINGS = frozenset("Dict dict Mapping".split())
_RESERVED = _LISTS | _MAPPINGS | frozenset(_PLAIN)
_PREFIXES = frozenset("typing typing_extensions t dataclasses dc pydantic enum".split())
_LONGEST_REFERENCE = 200

Names = Mapping[str, tuple[str, ...]]
"""What annotations may refer to: classes, with nothing, and enumerations of strings, with their values."""


def type_source(field_type: FieldType) -> str:
    """The annotation of a field."""
    if field_type.kind is Kind.LITERAL:
        source = f"Literal[{', '.join(map(string_literal, field_type.choices))}]"
    elif field_type.kind is Kind.CLASS:
        name = field_type.class_name or ""
        # A class that bears the name of a type is told from it by the quotes of a forward reference.
        source = f'"{name}"' if name in _RESERVED else name
    else:
        source = field_type.kind.value
    source = f"List[{source}]" if field_type.many else source
    return f"Optional[{source}]" if field_type.optional else source


def name_of(node: ast.expr, classes: Collection[str] = ()) -> str | None:
    """Last name of `X`, `typing.X` or `Outer.X` (Outer a class of the program); None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        prefix = node.value.id
        return node.attr if prefix in _PREFIXES or prefix in classes else None
    return None


def read_type(node: ast.expr, names: Names) -> tuple[FieldType, bool]:
    """Type of an annotation, and whether string values of it can stand in the document.

    `Dict[K, V]` of plain types, for which the closed set has no counterpart, is read as a list of free
    text: each entry becomes `"key: value"`.

    Args:
        node: The annotation.
        names: Of all classes and enumerations of the program.

    Raises:
        DialectError: The type is not in the closed set.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _read_reference(node, node.value.strip(), names)
    name = name_of(node, names)
    if name is not None:
        return _read_name(node, name, names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _read_union(node, [node.left, node.right], names)
    if isinstance(node, ast.Subscript):
        return _read_generic(node, names)
    raise refuse(node, "this is no type of the dialect")


def _read_reference(node: ast.expr, text: str, names: Names) -> tuple[FieldType, bool]:
    """A forward reference in quotes: a class, or a simple type around one."""
    if text in names:
        return _named(text, names), False
    if len(text) > _LONGEST_REFERENCE or text.count("[") > 3 or set(text) & set("(){}'\"-.@"):
        raise refuse(node, "the type in quotes is neither a class nor a simple type")
    inner = parse_expression(text)
    if inner is None:
        raise refuse(node, f"the type in quotes, {text!r}, is no type")
    ast.increment_lineno(inner, node.lineno - 1)
    return read_type(inner, names)


def _named(name: str, names: Names) -> FieldType:
    if names[name]:
        return FieldType(kind=Kind.LITERAL, choices=names[name])
    return FieldType(kind=Kind.CLASS, class_name=name)


def _read_name(node: ast.expr, name: str, names: Names) -> tuple[FieldType, bool]:
    if name in _PLAIN:
        return FieldType(kind=_PLAIN[name]), name == "str"
    if name in names:
        return _named(name, names), False
    if name in _LISTS:
        return FieldType(many=True), True
    if name in _MAPPINGS:
        return FieldType(many=True), False
    raise refuse(
        node, f"type `{name}` is neither str, int, float, bool, a list, a Literal nor a class of the schema"
    )


def _read_generic(node: ast.Subscript, names: Names) -> tuple[FieldType, bool]:
    name = name_of(node.value)
    arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional" and len(arguments) == 1:
        return _optional(*read_type(arguments[0], names))
    if name == "Union":
        return _read_union(node, arguments, names)
    if name == "Literal":
        return _read_literal(node, arguments)
    if name in _LISTS:
        return _read_list(node, arguments, names)
    if name in _MAPPINGS:
        return _read_mapping(node, arguments, names)
    raise refuse(node, f"`{name or 'this'}[...]` is no type of the dialect")


def _optional(field_type: FieldType, verbatim: bool) -> tuple[FieldType, bool]:
    return field_type.model_copy(update={"optional": True}), verbatim


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _read_union(node: ast.expr, arguments: list[ast.expr], names: Names) -> tuple[FieldType, bool]:
    members = [argument for argument in arguments if not _is_none(argument)]
    if len(members) != 1:
        raise refuse(node, "a union may hold one type and None; split the field, or take str")
    read = read_type(members[0], names)
    return _optional(*read) if len(members) < len(arguments) else read


def _read_literal(node: ast.expr, arguments: list[ast.expr]) -> tuple[FieldType, bool]:
    choices: list[str] = []
    for argument in arguments:
        if _is_none(argument):
            continue
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            raise refuse(node, "the choices of a Literal must be strings")
        try:
            choices.append(whole_string(argument.value))
        except ValueError as error:
            raise refuse(node, str(error)) from error
    if not choices:
        raise refuse(node, "a Literal needs at least one string")
    optional = len(choices) < len(arguments)
    return FieldType(kind=Kind.LITERAL, choices=tuple(choices), optional=optional), False


def _read_list(node: ast.expr, arguments: list[ast.expr], names: Names) -> tuple[FieldType, bool]:
    if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) and arguments[1].value is ...:
        arguments = arguments[:1]  # Tuple[X, ...]
    if len(arguments) != 1:
        raise refuse(node, "a list has items of one type")
    item, verbatim = read_type(arguments[0], names)
    if item.many:
        raise refuse(node, "lists of lists are not in the dialect; make the inner list a class")
    return item.model_copy(update={"many": True, "optional": False}), verbatim


def _read_mapping(node: ast.expr, arguments: list[ast.expr], names: Names) -> tuple[FieldType, bool]:
    kinds = [name_of(argument) for argument in arguments]
    if len(kinds) != 2 or any(kind not in (*_PLAIN, "Any", "object") for kind in kinds):
        raise refuse(node, "a Dict may only map plain types; make what it holds a class")
    return FieldType(many=True), False
