"""JSON Lines with offsets: a text a line, with its mentions as `entities`, `spans` or `instances`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.gold.models import GoldDocument, GoldMention
from schemas.errors import DocumentError

_LISTS = ("entities", "spans", "instances")
_LABELS = ("label", "class", "type")
_SURFACES = ("surface", "text")
_FORM = 'A line is {"text": ..., "entities": [{"start": 0, "end": 3, "label": "Person"}]}.'


class _Fault(Exception):
    """What is wrong with a line, in words."""


def read_records(path: Path, file: str) -> Iterator[GoldDocument]:
    """Documents in their order. The lines of `guidex export --format jsonl` are read as well.

    Of an exported instance its first mention counts, which stands for it, and so do instances nested in it.
    Blank lines are passed over.

    Raises:
        DocumentError: A line has another form, or a mention does not lie in its text.
        OSError: The file cannot be read.
    """
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            content = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if content.strip():
                place = f"{file}:{number}"
                try:
                    yield _document(json.loads(content.decode()), place)
                except _Fault as fault:
                    raise DocumentError(f"{place}: {fault}.", _FORM) from fault
                except (ValueError, RecursionError) as error:
                    raise DocumentError(f"{place} is no JSON that can be read.", _FORM) from error


def _document(value: Any, place: str) -> GoldDocument:
    if not isinstance(value, Mapping):
        raise _Fault("the line is no JSON object")
    text, identifier = value.get("text"), value.get("id")
    if not isinstance(text, str) or not text.strip():
        raise _Fault("there is no text")
    if identifier is not None and (isinstance(identifier, bool) or not isinstance(identifier, str | int)):
        raise _Fault("the id is neither text nor a whole number")
    name = next((name for name in _LISTS if name in value), None)
    if name is None or not isinstance(value[name], list):
        raise _Fault(f"there is no list {', '.join(_LISTS[:-1])} or {_LISTS[-1]}")
    mentions = {mention for item in value[name] for mention in _mentions(item, text)}
    return GoldDocument(
        text, tuple(sorted(mentions)), None if identifier in (None, "") else str(identifier), place
    )


def _mentions(item: Any, text: str) -> Iterator[GoldMention]:
    """The mention that an item is; of an exported instance its anchor, and those nested in it."""
    if not isinstance(item, Mapping):
        raise _Fault("a mention is no JSON object")
    label = next((item[key] for key in _LABELS if key in item), None)
    if not isinstance(label, str) or not label.strip():
        raise _Fault(f"a mention has no {', '.join(_LABELS[:-1])} or {_LABELS[-1]}")
    if "mentions" not in item:
        yield _mention(item, label, text)
        return
    if not isinstance(item["mentions"], list) or not isinstance(item.get("values", {}), Mapping):
        raise _Fault(f"the instance of {label!r} is not as it is exported")
    for anchor in item["mentions"][:1]:
        yield _mention(anchor, label, text)
    for values in item.get("values", {}).values():
        for nested in values if isinstance(values, list) else [values]:
            if isinstance(nested, Mapping):
                yield from _mentions(nested, text)


def _mention(item: Any, label: str, text: str) -> GoldMention:
    offsets = item if isinstance(item, Mapping) else {}
    start, end = offsets.get("start"), offsets.get("end")
    # `type`, as True is an int too.
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise _Fault(f"{label!r} from {start!r} to {end!r} is no span of the text, which has {len(text)}")
    said = next((offsets[key] for key in _SURFACES if key in offsets), None)
    if said is not None and said != text[start:end]:
        raise _Fault(
            f"{label!r} says {said!r}, but from {start} to {end} stands {text[start:end]!r}; "
            "offsets count code points"
        )
    return GoldMention(start, end, label.strip())
