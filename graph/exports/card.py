"""The data card of an exported data set, in the form that data hubs read."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from graph.exports.about import Export
from graph.exports.tally import NOT_STATED
from schemas.markdown import plain

_CLASSES: Final = 50
_SOURCES: Final = 20
"""Most that are listed; how many more there are is said."""

_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
_SIZE_NAMES: Final = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M")
_HUB_LICENCE: Final = re.compile(
    r"(cc0|cc-by|cc-by-sa|cc-by-nc|cc-by-nc-sa|cc-by-nd|cc-by-nc-nd)-\d\.\d|mit|apache-2\.0|pddl|odbl"
)


def data_card(export: Export, files: Mapping[str, str]) -> str:
    """What a data set is of, as Markdown with YAML front matter.

    Args:
        export: Once all is written.
        files: File of each configuration; the first is the default one.
    """
    return "\n".join([*_front_matter(export, files), *_lines(export)]) + "\n"


def _front_matter(export: Export, files: Mapping[str, str]) -> Iterator[str]:
    """YAML whose values are JSON, which is YAML as well."""
    count = export.tally.documents
    size = _SIZE_NAMES[sum(count >= size for size in _SIZES)]
    values = {
        "pretty_name": plain(export.provenance.run),
        "license": _licence(export.tally.licences),
        "task_categories": ["token-classification"],
        "tags": ["information-extraction", "named-entity-recognition", "guidex", "synthetic-annotations"],
        "annotations_creators": ["machine-generated"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": "train", "path": file}],
                **({"default": True} if number == 0 else {}),
            }
            for number, (name, file) in enumerate(files.items())
        ],
    }
    yield "---"
    for key, value in values.items():
        yield f"{key}: {json.dumps(value)}"
    yield "---"


def _licence(licences: Mapping[str, int]) -> str:
    """By the hub's names, if all documents have one of them; else `other`, which the card then explains."""
    if len(licences) == 1:
        name = next(iter(licences)).strip().lower()
        if _HUB_LICENCE.fullmatch(name):
            return name
    return "other" if set(licences) - {NOT_STATED} else "unknown"


def _lines(export: Export) -> Iterator[str]:
    made, tally = export.provenance, export.tally
    yield ""
    yield f"# {plain(made.run)}"
    yield ""
    yield (
        f"{tally.documents:,} documents with mentions of classes that are described by guidelines, "
        f"annotated by language models and accepted by GuideX's agents. {_people(made.reviewed)}"
    )
    yield ""
    yield "```python"
    yield "from datasets import load_dataset"
    yield ""
    yield 'documents = load_dataset("FOLDER", "documents", split="train")'
    yield "```"
    yield ""
    yield (
        "`documents` has texts with `spans`, and all instances with their fields as JSON (`instances`); "
        "`spans` one row a mention, those of further fields too; `classes` the guidelines of each schema "
        "(`schema_id`). Offsets count Unicode code points: `text[start:end]` is the surface."
    )
    yield ""
    yield "## Where it is from"
    yield ""
    yield f"- Run `{plain(made.run)}` ({plain(made.run_id)}), GuideX {plain(made.guidex)}."
    yield f"- Schema: {made.mode}. Method: {made.method}."
    yield f"- Models: {', '.join(f'`{plain(name)}`' for name in made.models) or 'not known'}."
    shown = ", ".join(f"{name} {value}" for name, value in made.thresholds.items() if value is not None)
    yield f"- Accepted by version {made.decision_version} of the decisions: {shown}."
    yield ""
    yield "## What is in it"
    yield ""
    yield f"- Documents: {tally.documents:,}; {tally.empty:,} of them without a mention, as negatives."
    yield (
        f"- Labels are exhaustive in {tally.documents - tally.partial:,} documents. In {tally.partial:,} "
        "some classes were in dispute (`unknown_classes`): their absence there proves nothing."
    )
    if tally.agreement is not None:
        yield f"- Mean agreement of the annotators (strict span F1): {tally.agreement:.3f}."
    yield f"- Mentions: {tally.mentions.total():,} of {len(tally.mentions):,} classes."
    yield ""
    yield from _table("class", "mentions", tally.mentions, _CLASSES)
    yield "## Licences and sources of the texts"
    yield ""
    yield "As the documents' own records state them. Whoever publishes the texts must keep to them."
    yield ""
    yield from _table("licence", "documents", tally.licences, _SOURCES)
    yield from _table("source", "documents", tally.sources, _SOURCES)
    yield "## Limits"
    yield ""
    yield (
        "The annotations are as wrong as the models that made them; the thresholds say what was let "
        "through, and agreement of models is no proof. Measure on annotations by people before relying on it "
        "(`guidex quality RUN --gold FILE`). The choice of documents is that of whoever made the run."
    )


def _people(reviewed: int) -> str:
    if reviewed:
        return f"People have reviewed {reviewed:,} of the run's documents, accepted or not."
    return "No person has checked them."


def _table(what: str, counted: str, counts: Counter[str], most: int) -> Iterator[str]:
    yield f"| {what} | {counted} |"
    yield "| --- | ---: |"
    for name, count in counts.most_common(most):
        yield f"| {plain(name)[:120]} | {count:,} |"
    if len(counts) > most:
        left = counts.total() - sum(count for _, count in counts.most_common(most))
        yield f"| {len(counts) - most:,} more | {left:,} |"
    yield ""
