"""Scripts that drive whole runs: a model that answers validly, always alike, and objects to nothing."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from servers.turns import Call, Turn

_LEFT_EMPTY = ("remarks", "findings", "missing", "exclude", "contrast", "fields")
"""Lists that stay empty: an agreeable model objects to nothing and keeps things simple."""

_PROSE = ("definition", "include", "boundary", "facts", "domain")
"""What is said in words that are not the document's: a rule that quotes it gives the answer away."""

_RULES = (
    "a name that the author gives to one thing of this kind, wherever it stands",
    "the full form as it is written, without articles, titles or punctuation around it",
    "each further place where the same thing is named again by the same words",
    "what is meant by the name and not what is merely near it in the sentence",
    "short forms where no other thing of the same kind could be meant by them",
)


@dataclass(frozen=True)
class Agreement:
    """Answers what is asked by its schema, with the document's words.

    Attributes:
        items: Entries of a list: classes of a schema, mentions of a class.
        in_sentences: Whether definitions and rules are sentences rather than single words.
    """

    items: int = 2
    in_sentences: bool = False

    def __call__(self, call: Call) -> Turn:
        """What the model says."""
        if "grammar" in call.body:  # of the forms grammars take, only that of `probe` is known here
            return {"quote": _words(call.document)[0]}
        schema = call.schema
        if schema is None:
            return "nothing was asked for"
        answer: dict[str, Any] = _Filler(self, call, schema).fill(schema, "")
        return f"```json\n{json.dumps(answer)}\n```" if "```json code fence" in call.texts[-1] else answer


agreeable = Agreement()
thorough = Agreement(items=4, in_sentences=True)
"""As agreeable, in answers of the size that large models give: some hundred bytes to 2 KB."""


@lru_cache(maxsize=256)
def _words(document: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"[^\W\d_]{4,}", document))) or ["Nothing"]


class _Filler:
    """Walks a JSON schema and makes a value that fits it and the task."""

    def __init__(self, manner: Agreement, call: Call, root: dict[str, Any]) -> None:
        task = call.prompt.rsplit("</document", 1)[-1]  # with what was said since, if this is a re-ask
        self._manner = manner
        self._definitions = root.get("$defs", {})
        self._words = itertools.cycle(_words(call.document))
        self._rules = itertools.cycle(_RULES)
        self._numbered = re.findall(r'^(\d+)\. "', task, re.MULTILINE)
        self._writing = "guidelines" in root.get("properties", {})
        self._classes = re.findall(r"^- ([A-Z]\w*)(?::|$)", task, re.MULTILINE)

    def fill(self, schema: dict[str, Any], name: str, index: int = 0) -> Any:
        if "$ref" in schema:
            return self.fill(self._definitions[schema["$ref"].rsplit("/", 1)[-1]], name, index)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                options = [option for option in schema[choice] if option.get("type") != "null"]
                return self.fill(options[0], name, index)
        return getattr(self, f"_{schema.get('type', 'string')}")(schema, name, index)

    def _object(self, schema: dict[str, Any], name: str, index: int) -> dict[str, Any]:
        # In the order of the names: annotators see the classes in different orders and shall agree.
        properties = schema.get("properties", {})
        return {key: self.fill(properties[key], key, index) for key in sorted(properties)}

    def _array(self, schema: dict[str, Any], name: str, index: int) -> list[Any]:
        if name in ("verdicts", "phrases"):
            count = len(self._numbered)
        elif name == "guidelines":
            count = len(self._classes) or self._manner.items
        else:
            count = max(schema.get("minItems", 0), 0 if name in _LEFT_EMPTY else self._manner.items)
        count = min(count, schema.get("maxItems", count))
        return [self.fill(schema.get("items", {}), name, number) for number in range(count)]

    def _string(self, schema: dict[str, Any], name: str, index: int) -> str:
        if name == "name" and self._writing and self._classes:
            return self._classes[index]
        if name == "class" and self._numbered and self._classes:
            return min(self._classes)  # whatever the order in which they are shown
        word = next(self._words)
        text = word.title() if name == "name" else word
        if self._manner.in_sentences and name in _PROSE:
            # The first word tells one class's rules from another's.
            kind = self._classes[index % len(self._classes)] if self._classes else word.title()
            text = f"{kind}: {next(self._rules)}"
        return text[: schema.get("maxLength", len(text))]

    def _integer(self, schema: dict[str, Any], name: str, index: int) -> int:
        return index + 1

    def _number(self, schema: dict[str, Any], name: str, index: int) -> float:
        return float(schema.get("maximum", 1.0))

    def _boolean(self, schema: dict[str, Any], name: str, index: int) -> bool:
        return True

    def _null(self, schema: dict[str, Any], name: str, index: int) -> None:
        return None
