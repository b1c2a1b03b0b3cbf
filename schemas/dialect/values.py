"""Instances as constructor calls, both ways."""

from __future__ import annotations

import ast

from schemas.annotation import Instance, Scalar, Value
from schemas.dialect.literals import number_literal, string_literal, whole_string
from schemas.dialect.refusal import refuse
from schemas.dialect.types import name_of
from schemas.errors import DialectError
from schemas.schema import AnnotationSchema, FieldSpec, Kind

_DEEPEST = 12  # instances within instances, so that the reader's limit on brackets is kept


def instance_source(instance: Instance, schema: AnnotationSchema, depth: int = 1) -> str:
    """The constructor call of an instance, keywords in the order of the schema's fields.

    Raises:
        DialectError: The class or a field is not in the schema, or instances nest too deep.
    """
    spec = schema.get(instance.class_name)
    if spec is None:
        raise DialectError(f"The schema has no class {instance.class_name!r}.")
    if depth > _DEEPEST:
        raise DialectError(f"Instances are nested more than {_DEEPEST} deep.")
    names = [field.name for field in spec.fields]
    unknown = sorted(set(instance.values) - set(names))
    if unknown:
        raise DialectError(f"Class {spec.name} has no field {unknown[0]!r}.")
    keywords = (
        f"{name}={_value_source(instance.values[name], schema, depth)}"
        for name in names
        if name in instance.values
    )
    return f"{spec.name}({', '.join(keywords)})"


def _value_source(value: Value, schema: AnnotationSchema, depth: int) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value_source(item, schema, depth) for item in value)}]"
    if isinstance(value, Instance):
        return instance_source(value, schema, depth + 1)
    if isinstance(value, str):
        return string_literal(value)
    return repr(value) if value is None or isinstance(value, bool) else number_literal(value)


def read_result(node: ast.expr, schema: AnnotationSchema | None) -> tuple[Instance, ...]:
    """Instances of the result list. Names are checked against the schema; types of values are not.

    Positional arguments are taken in the order of the fields.

    Args:
        node: The list.
        schema: The classes that may be used.

    Raises:
        DialectError: It is no list of constructor calls of known classes and fields.
    """
    if not isinstance(node, ast.List):
        raise refuse(node, "the result must be a list of instances")
    reader = _Reader(schema)
    return tuple(reader.instance(item) for item in node.elts)


class _Reader:
    """Reads instances of known classes."""

    def __init__(self, schema: AnnotationSchema | None) -> None:
        specs = schema.classes if schema else ()
        self._classes = {spec.name: {field.name: field for field in spec.fields} for spec in specs}

    def instance(self, node: ast.expr) -> Instance:
        if not isinstance(node, ast.Call):
            raise refuse(node, "an item of the result must be an instance such as `Drug(span=...)`")
        name = name_of(node.func, self._classes)
        if name is None:
            raise refuse(node, "only classes may be called")
        fields = self._classes.get(name)
        if fields is None:
            raise refuse(node, f"`{name}` is no class of the schema")
        if len(node.args) > len(fields):
            raise refuse(node, f"{name} has {len(fields)} fields, and {len(node.args)} values are given")
        given = list(zip(fields, node.args, strict=False))
        given += [(keyword.arg or "**", keyword.value) for keyword in node.keywords]
        values: dict[str, Value] = {}
        for field_name, value in given:
            if field_name in values:
                raise refuse(value, f"{name}.{field_name} is given twice")
            if field_name not in fields:
                raise refuse(value, f"{name} has no field `{field_name}`")
            values[field_name] = self._value(value, fields[field_name])
        return Instance(class_name=name, values=values)

    def _value(self, node: ast.expr, field: FieldSpec) -> Value:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return tuple(map(self._scalar, node.elts))
        if isinstance(node, ast.Dict):
            if not field.type.many or field.type.kind is not Kind.STR or field.verbatim:
                raise refuse(node, f"`{field.name}` holds no Dict")
            return tuple(_read_entry(key, value) for key, value in zip(node.keys, node.values, strict=True))
        return self._scalar(node)

    def _scalar(self, node: ast.expr) -> Scalar:
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            raise refuse(node, "lists within lists are not in the dialect")
        if isinstance(node, ast.Call):
            special = None if "float" in self._classes else _read_special_float(node)
            return self.instance(node) if special is None else special
        return _read_constant(node)


def _read_entry(key: ast.expr | None, value: ast.expr) -> str:
    """One entry of a dict display, as the string `key: value`."""
    if key is None:
        raise refuse(value, "star-arguments are not in the dialect")
    return f"{_read_constant(key)}: {_read_constant(value)}"


def _read_special_float(node: ast.Call) -> float | None:
    """`float("inf")`, `float("-inf")` and `float("nan")`, which have no literal."""
    if not isinstance(node.func, ast.Name) or node.func.id != "float" or node.keywords or len(node.args) != 1:
        return None
    argument = node.args[0]
    if isinstance(argument, ast.Constant) and argument.value in ("inf", "-inf", "nan"):
        return float(argument.value)
    return None


def _read_constant(node: ast.expr) -> bool | int | float | str | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
            raise refuse(node, "a minus may only stand before a number")
    if not isinstance(node, ast.Constant):
        raise refuse(node, f"{_describe(node)} is no value; write constants, lists and instances")
    value = node.value
    if isinstance(value, str):
        try:
            return whole_string(value)
        except ValueError as error:
            raise refuse(node, str(error)) from error
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value * sign
    raise refuse(node, f"a value of type {type(value).__name__} is not in the dialect")


def _describe(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return f"the variable `{node.id}`"
    return {"Attribute": "an attribute access", "Subscript": "an index", "BinOp": "an operation"}.get(
        type(node).__name__, f"this expression ({type(node).__name__})"
    )
