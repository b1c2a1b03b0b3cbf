"""Prompts: text files rendered with Jinja2, in an order that lets prefix caches work.

The stable part comes first and is byte-identical for all agents on one document: the system text of the
profile, then the document between delimiters. The role's instructions come last. Where one schema serves all
documents and is longer than the document, it is the schema that comes first, with a worked example for small
models: prefix caches then hit from one document to the next. Documents are passed as values, never as
templates, so nothing in them is interpreted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from agents.llm.client import Message
from schemas.job import Profile
from schemas.judgement import Finding
from schemas.schema import AnnotationSchema, ClassSpec

_TAG = re.compile(r"<\s*/?\s*document", re.IGNORECASE)


@cache
def _environment() -> Environment:
    # Prompts are plain text, so HTML escaping would corrupt them.
    return Environment(
        loader=PackageLoader("agents", "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        auto_reload=False,
    )


def messages(
    profile: Profile, text: str, role: str, *, schema: str = "", schema_first: bool = False, **values: Any
) -> tuple[Message, ...]:
    """The messages of one call.

    Args:
        profile: Which prompt files to use.
        text: The document or passage.
        role: Name of the role's prompt file, without ending.
        schema: The classes as the role is shown them.
        schema_first: The same classes serve other documents: they go before the document, with the role's
            worked example if the profile has one, if both together are longer than it.
        values: What the role's prompt refers to beside them.
    """
    worked = worked_example(profile, role) if schema_first else ()
    first = schema_first and len(schema) + sum(len(message.text) for message in worked) > len(text)
    question = rendered(profile, role, schema="" if first else schema, **values)
    asked = Message(role="user", parts=(delimited(text), question))
    system = _system(profile)
    if not first:
        return system, asked
    shared = system.model_copy(update={"parts": (*system.parts, f"Classes:\n{schema}")})
    return shared, *worked, asked


@cache
def worked_example(profile: Profile, role: str) -> tuple[Message, ...]:
    """A turn about another document, with classes of its own, and its answer; none if the role has none."""
    file = files("agents") / "prompts" / profile / f"{role}_example.json"
    if not file.is_file():
        return ()
    example = json.loads(file.read_text("utf-8"))
    question = Message(role="user", parts=(delimited(example["text"]), example["question"]))
    return question, Message(role="assistant", parts=(json.dumps(example["answer"]),))


def rendered(profile: Profile, name: str, **values: Any) -> str:
    """A prompt file of a profile, without ending, with what it refers to."""
    return _environment().get_template(f"{profile}/{name}.txt").render(**values).strip()


@cache
def _system(profile: Profile) -> Message:
    return Message(role="system", parts=(rendered(profile, "system"),))


def delimited(text: str) -> str:
    """A document between tags that do not occur in it, nor anything that reads like them."""
    tag = "document"
    if _TAG.search(text):
        tag = f"document-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return f"<{tag}>\n{text}\n</{tag}>"


@cache
def _examples() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((files("agents") / "prompts" / "examples.json").read_text("utf-8")))


def example_for(text: str) -> dict[str, Any]:
    """The worked example shown with a document: chosen by its text, so that examples rotate over a corpus."""
    examples = _examples()
    return examples[int(hashlib.sha256(text.encode()).hexdigest(), 16) % len(examples)]


@dataclass(frozen=True)
class InventoryClass:
    """A class that suits many documents."""

    name: str
    definition: str
    examples: tuple[str, ...]


@cache
def inventory() -> dict[str, InventoryClass]:
    """The classes small models choose from, by name, the most universal first."""
    entries = json.loads((files("agents") / "prompts" / "inventory.json").read_text("utf-8"))
    return {
        entry["name"]: InventoryClass(entry["name"], entry["definition"], tuple(entry["examples"]))
        for entry in entries
    }


def describe_schema(
    schema: AnnotationSchema, order: Iterable[str] = (), *, definitions_only: bool = False
) -> str:
    """The classes as a list, one line a rule, in the given order of names; or their definitions alone."""
    specs = [schema.get(name) for name in order] or list(schema.classes)
    if definitions_only:
        lines = (f"- {spec.name}: {spec.guideline.definition}" for spec in specs if spec is not None)
        return "\n".join(line.rstrip(": ") for line in lines)
    return "\n".join(line for spec in specs if spec is not None for line in _describe(spec))


def _describe(spec: ClassSpec) -> Iterable[str]:
    guideline = spec.guideline
    yield f"- {spec.name}: {guideline.definition}".rstrip(": ")
    for label, rules in (("include", guideline.include), ("exclude", guideline.exclude)):
        yield from (f"  {label}: {rule}" for rule in rules)
    if guideline.boundary:
        yield f"  boundary: {guideline.boundary}"
    yield from (f"  not {contrast.sibling}: {contrast.difference}" for contrast in guideline.contrast)
    if guideline.negatives:
        yield f"  not mentions of it: {_quoted(guideline.negatives)}"
    for field in spec.fields:
        such_as = f"such as {_quoted(field.examples)}" if field.examples else ""
        if field is not spec.anchor:
            described = f"field {field.name}: {field.description}".rstrip(": ")
            yield f"  {described}{f' ({such_as})' if such_as else ''}"
        elif such_as:
            yield f"  {such_as}"


def _quoted(phrases: Iterable[str]) -> str:
    return ", ".join(json.dumps(phrase, ensure_ascii=False) for phrase in phrases)


def describe_findings(findings: Iterable[Finding]) -> str:
    """Objections as a list, for the agent that has to mend them."""
    return "\n".join(_objection(finding) for finding in findings)


def _objection(finding: Finding) -> str:
    quote = json.dumps(finding.quote, ensure_ascii=False) if finding.quote else None
    about = " ".join(part for part in (finding.code.value, finding.class_name, quote) if part)
    return f"- {about}: {finding.message}" if finding.message else f"- {about}"
