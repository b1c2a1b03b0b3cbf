"""Enumerations of strings: a field typed as one is read as a Literal of its values."""

from __future__ import annotations

import ast

from schemas.dialect.literals import whole_string
from schemas.dialect.refusal import refuse
from schemas.dialect.types import name_of

_BASES = frozenset(("Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"))
_OF_STRINGS = frozenset(("str", "Enum", "StrEnum"))
_LITERAL_INSTEAD = "type the field as a Literal of strings, or as the type of its values"


def is_enumeration(node: ast.ClassDef) -> bool:
    """Whether a class is an enumeration rather than something to annotate."""
    return any(name_of(base) in _BASES for base in node.bases)


def read_choices(node: ast.ClassDef) -> tuple[str, ...]:
    """The values of an enumeration, in order.

    Raises:
        DialectError: It holds anything but members that are strings.
    """
    if node.decorator_list or node.keywords or any(name_of(base) not in _OF_STRINGS for base in node.bases):
        raise refuse(node, f"{node.name} is no plain enumeration of strings; {_LITERAL_INSTEAD}")
    choices: list[str] = []
    for item in node.body:
        value = item.value if isinstance(item, ast.Assign | ast.Expr) else None
        text = value.value if isinstance(value, ast.Constant) else None
        if not isinstance(text, str):
            raise refuse(item, f"a member of the enumeration {node.name} is no string; {_LITERAL_INSTEAD}")
        if isinstance(item, ast.Assign):
            try:
                choices.append(whole_string(text))
            except ValueError as error:
                raise refuse(item, str(error)) from error
    if not choices:
        raise refuse(node, f"the enumeration {node.name} has no members")
    return tuple(dict.fromkeys(choices))
