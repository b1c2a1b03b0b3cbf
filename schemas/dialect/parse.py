"""Read code of the dialect: a closed whitelist over Python's syntax tree. Nothing is ever executed."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from schemas.annotation import Instance
from schemas.dialect.classes import Surroundings, all_classes, read_class
from schemas.dialect.literals import whole_string
from schemas.dialect.refusal import refuse
from schemas.dialect.scan import Limits, Program, read_program
from schemas.dialect.types import name_of
from schemas.dialect.values import read_result
from schemas.schema import AnnotationSchema

DOMAIN = "Domain:"
"""Begins the comment that holds the schema's domain."""

_MODULES = re.compile(
    r"__future__|dataclasses|typing|typing_extensions|collections\.abc|abc|pydantic|enum|datetime"
    r"|(src\.tasks\.)?utils_typing"
)
_RESULTS = frozenset(("result", "result_instances"))  # the second is the reference data set's name for it


class Flavour(StrEnum):
    """The two forms of the code dialect."""

    GUIDEX = "guidex"
    GOLLIE = "gollie"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a program says; a part that it does not have is None.

    Attributes:
        schema: Classes and guidelines.
        text: The document.
        instances: Instances of the result, with values and without mentions: `schemas.locate` finds those.
        flavour: GOLLIE if a class derives from one of GoLLIE's bases.
    """

    schema: AnnotationSchema | None
    text: str | None
    instances: tuple[Instance, ...] | None
    flavour: Flavour


def parse(code: str, *, schema: AnnotationSchema | None = None, limits: Limits | None = None) -> Parsed:
    """Read code that a person or a model wrote.

    Accepted are, with any Markdown fence or none: imports of typing and dataclasses (skipped), dataclasses,
    GoLLIE's entities and Pydantic models made of typed fields, docstrings and comments, enumerations of
    strings (the fields typed so become Literals), `text = "..."`,
    and `result = [...]` or the bare list. Everything else is refused. The verdict depends on the arguments
    alone; nothing is executed, imported or compiled to code.

    Args:
        code: The text.
        schema: Classes that the result may use where the code defines none.
        limits: What is taken on; default: `Limits()`.

    Raises:
        DialectError: The code is not in the dialect; the message says the line and why.
    """
    limits = limits or Limits()
    program = read_program(code, limits)
    nodes = list(all_classes(program.tree))
    if len(nodes) > limits.classes:
        raise refuse(nodes[limits.classes], f"more than {limits.classes} classes")
    own = _read_schema(program, nodes)
    text: str | None = None
    result: ast.expr | None = None
    for statement in program.tree.body:
        if isinstance(statement, ast.ClassDef | ast.Pass):
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            _check_import(statement)
            continue
        name, value = _assignment(statement)
        if name == "text" and text is None:
            text = _read_text(value)
        elif name == "result" and result is None:
            result = value
        elif name:
            raise refuse(statement, f"`{name}` is given twice")
    instances = None if result is None else read_result(result, own or schema)
    return Parsed(own, text, instances, _flavour(nodes))


def _flavour(nodes: list[ast.ClassDef]) -> Flavour:
    markers = Surroundings({node.name: node for node in nodes}, {}).markers
    derived = any(name_of(base) in markers for node in nodes for base in node.bases)
    return Flavour.GOLLIE if derived else Flavour.GUIDEX


def _read_schema(program: Program, nodes: list[ast.ClassDef]) -> AnnotationSchema | None:
    around = Surroundings({node.name: node for node in nodes}, program.comments)
    if len(around.classes) < len(nodes):
        again = next(node for node in nodes if around.classes[node.name] is not node)
        again = around.classes[again.name]
        raise refuse(again, f"class {again.name} is defined twice")
    things = (node for node in nodes if not around.names[node.name])
    specs = [spec for spec in (read_class(node, around) for node in things) if spec is not None]
    if not specs:
        return None
    try:
        return AnnotationSchema(domain=_domain(program, nodes[0]), classes=tuple(specs))
    except ValidationError as error:
        raise refuse(nodes[0], str(error.errors()[0]["msg"])) from error


def _domain(program: Program, first: ast.ClassDef) -> str:
    """The domain of the comment above the first class; empty if there is none."""
    start = min((decorator.lineno for decorator in first.decorator_list), default=first.lineno)
    for line, comment in sorted(program.comments.items()):
        if line < start and comment.alone and comment.text.startswith(DOMAIN):
            return comment.text.removeprefix(DOMAIN)
    return ""


def _check_import(node: ast.Import | ast.ImportFrom) -> None:
    """Let known modules pass without a look; names keep their meaning, so renaming is refused."""
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]
    for module in modules:
        if not _MODULES.fullmatch(module):
            raise refuse(
                node,
                f"import of `{module}`; nothing is imported, and only typing, dataclasses and "
                "their like may be named",
            )
    for alias in node.names:
        if alias.asname not in (None, alias.name, "t", "dc"):
            raise refuse(node, f"import under another name, `{alias.asname}`")


def _assignment(node: ast.stmt) -> tuple[str, ast.expr]:
    """The name and value of a statement at the top level; no name for a remark."""
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.List):
            return "result", node.value
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return "", node.value
        raise refuse(node, "a bare expression is not in the dialect, unless it is the result list")
    target: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        _check_annotation(node.annotation)
        target = node.target
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(target, ast.Name):
        raise refuse(node, f"a statement of kind {type(node).__name__} is not in the dialect")
    if node.value is None or target.id not in _RESULTS | {"text"}:
        raise refuse(node, f"`{target.id}` may not be assigned; only text and result are")
    return ("text" if target.id == "text" else "result"), node.value


def _check_annotation(node: ast.expr) -> None:
    """The annotation of `text: str` or `result: List[Drug]` says nothing, but must be a mere type."""
    for part in ast.walk(node):
        if not isinstance(
            part,
            ast.Name
            | ast.Subscript
            | ast.Tuple
            | ast.BinOp
            | ast.BitOr
            | ast.Load
            | ast.Constant
            | ast.Attribute,
        ):
            raise refuse(node, "this is no type of the dialect")


def _read_text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise refuse(node, "text must be a string literal")
    try:
        return whole_string(node.value)
    except ValueError as error:
        raise refuse(node, str(error)) from error
