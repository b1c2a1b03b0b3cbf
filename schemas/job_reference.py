"""The job file explained: every key with its type, default and meaning, from the models themselves."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from enum import Enum
from textwrap import wrap
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from schemas.job import AgentModels, AnnotatorConfig, Job, ModelConfig
from schemas.limits import PriceConfig

_WIDTH = 100
_RECORDED = "given_schema"
"""What a run writes down for itself; a person names a file instead."""
_APART = ("agents", "annotators", "prices", _RECORDED)
_HEAD = """GuideX job file. Run it with: guidex run {file}
Take the # away from a key to set it. What it shows is the default, or an example where it says so."""


class Key(NamedTuple):
    """One key of the job file."""

    table: str
    """The table it stands in; empty at the top."""
    name: str
    type: str
    """In words: "text", "whole number", "one of a, b", "list of text"."""
    default: str
    """As written in TOML; empty where there is none."""
    required: bool
    description: str
    example: str
    """A value that can be written there, in TOML."""


def job_keys() -> tuple[Key, ...]:
    """Every key of a job file, tables after the keys at the top.

    Models of agents are there once, as `agents.AGENT`, and so are prices, as `prices.MODEL`.
    """
    top = _keys_of(Job, "")
    agents = _keys_of(ModelConfig, "agents.AGENT")
    annotators = (*_keys_of(AnnotatorConfig, "annotators"), *_keys_of(ModelConfig, "annotators.model"))
    prices = _keys_of(PriceConfig, "prices.MODEL")
    tables = (
        key
        for name, field in Job.model_fields.items()
        if (model := _model_in(field)) is not None and name not in _APART
        for key in _keys_of(model, name)
    )
    return (*top, *tables, *prices, *agents, *annotators)


def render_job_file(paths: Sequence[str], file: str = "guidex.toml") -> str:
    """A commented job file with every key; what it does is what a job with these paths alone does.

    Args:
        paths: The documents.
        file: Name of the file, for its first line.
    """
    lines = [*_comment(_HEAD.format(file=file)), ""]
    lines += _described(_keys_of(Job, ""))
    for name, field in Job.model_fields.items():
        model = _model_in(field)
        if model is None or name == _RECORDED:
            continue
        lines += ["", *_comment(field.description or "")]
        if name == "agents":
            lines += _agents()
        elif name == "annotators":
            lines += _annotators()
        elif name == "prices":
            lines += ["", '# [prices."openai/NAME"]', *_described(_keys_of(PriceConfig, name))]
        else:
            given = {"paths": _toml(list(paths))} if name == "documents" else {}
            lines += [f"[{name}]", *_described(_keys_of(model, name), given)]
    return "\n".join(lines) + "\n"


def _agents() -> list[str]:
    lines = _comment(
        "A table here takes the keys of [model]; what it leaves out has the default, not [model]'s."
    )
    for name, field in AgentModels.model_fields.items():
        lines += ["", *_comment(field.description or ""), f"# [agents.{name}]"]
        lines.append(f"# name = {_toml(ModelConfig().name)}")
    return lines


def _annotators() -> list[str]:
    """The default annotators, with the keys that an annotator has."""
    lines = _comment("These are the two that a job has by default; tables written here take their place.")
    for key in _keys_of(AnnotatorConfig, "annotators"):
        lines += _comment(f"{key.name} ({key.type}): {key.description}")
    for annotator in Job.model_fields["annotators"].default:
        lines += ["", "# [[annotators]]"]
        given = annotator.model_dump(mode="json", exclude_none=True)
        lines += [f"# {name} = {_toml(value)}" for name, value in given.items()]
    return lines


def _described(keys: Sequence[Key], given: dict[str, str] | None = None) -> list[str]:
    lines: list[str] = []
    for key in keys:
        lines += (
            ["", *_comment(f"{key.description} ({key.type})")]
            if lines
            else _comment(f"{key.description} ({key.type})")
        )
        value = (given or {}).get(key.name)
        lines.append(f"# {key.name} = {key.example}" if value is None else f"{key.name} = {value}")
    return lines


def _keys_of(model: type[BaseModel], table: str) -> tuple[Key, ...]:
    """The keys of a model that are no tables themselves."""
    return tuple(
        _key(table, name, field) for name, field in model.model_fields.items() if _model_in(field) is None
    )


def _key(table: str, name: str, field: FieldInfo) -> Key:
    default = field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
    shown = "" if default in (None, PydanticUndefined) else _toml(default)
    return Key(
        table=table,
        name=name,
        type=_type_in_words(field.annotation) + _bounds(field),
        default=shown,
        required=field.is_required(),
        description=field.description or "",
        example=shown or _example(field),
    )


def _type_in_words(annotation: Any) -> str:
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return _type_in_words(next(each for each in arguments if each is not type(None)))
    if origin is Literal:
        return "one of " + ", ".join(arguments)
    if origin is tuple:
        return "list of " + _type_in_words(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        values = [str(member.value) for member in annotation]
        return f"one of {', '.join(values)}" if len(values) > 1 else f"only {values[0]}, so far"
    return {str: "text", bool: "true or false", int: "whole number", float: "number"}[annotation]


def _bounds(field: FieldInfo) -> str:
    """The limits of a number, in words."""
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    found = [
        f"{word} {getattr(limit, name):g}"
        if abs(getattr(limit, name)) < 1e6
        else f"{word} {getattr(limit, name)}"
        for name, word in words.items()
        for limit in field.metadata
        if getattr(limit, name, None) is not None
    ]
    return f", {' '.join(found)}" if found else ""


def _example(field: FieldInfo) -> str:
    """Some value that the key takes; for keys whose default is to be left out."""
    if field.examples:
        return _toml(field.examples[0])
    words = _type_in_words(field.annotation)
    least = next((limit.ge for limit in field.metadata if getattr(limit, "ge", None) is not None), None)
    if words.startswith("one of "):
        return _toml(words.removeprefix("one of ").partition(",")[0])
    if words == "whole number":
        return str(least if least is not None and least > 0 else 1)
    return {"text": '"..."', "true or false": "true", "number": "0.5"}.get(words, "[]")


def _toml(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # A basic string of TOML; its escapes are those of JSON, as far as they occur here.
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)


def _model_in(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table or a list of tables."""
    for candidate in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _comment(text: str) -> list[str]:
    return [f"# {line}" for part in text.splitlines() for line in wrap(part, _WIDTH - 2)]
