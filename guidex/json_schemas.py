"""JSON Schemas of the files that GuideX reads and writes (`docs/schemas/`), made from what describes them."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import TypeAdapter

from finetune.gold.shape import GoldRecord
from finetune.training.models import TrainingReport
from graph.documents.shape import DocumentRecord
from graph.exports import About
from graph.exports.rows import (
    ArgillaRecord,
    ChatRow,
    GlinerRow,
    JsonlRow,
    LabelStudioTask,
    ProdigyRow,
    TrainingRow,
)
from schemas.job import Job
from schemas.recipe import Recipe
from schemas.schema import AnnotationSchema

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: Final[dict[str, tuple[Any, str]]] = {
    "document": (
        DocumentRecord,
        "A record of documents to read, under default names of fields.",
    ),
    "job": (Job, "A job file, as TOML or JSON."),
    "recipe": (Recipe, "The recipe of a training, `recipe.toml`."),
    "gold": (GoldRecord, "A line of gold annotations in JSON lines."),
    "schema": (
        AnnotationSchema,
        "Classes and guidelines, as JSON for `--schema`.",
    ),
    "export-about": (About, "What is said of an export: `FILE.about.json` or `about.json`."),
    "export-guidex": (TrainingRow, "A row of `--format guidex`."),
    "export-gollie": (TrainingRow, "A row of `--format gollie`."),
    "export-chat": (ChatRow, "A row of `--format chat`."),
    "export-gliner": (GlinerRow, "A row of `--format gliner`."),
    "export-prodigy": (ProdigyRow, "A row of `--format prodigy`."),
    "export-jsonl": (JsonlRow, "A row of `--format jsonl`."),
    "export-labelstudio": (LabelStudioTask, "An item of `tasks.json` of `--format labelstudio`."),
    "export-argilla": (ArgillaRecord, "An item of `records.json` of `--format argilla`."),
    "training-report": (TrainingReport, "`training.json` of a trained adapter."),
}
"""By file name: the model or shape, and what it is of."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file.

    Args:
        name: Of `SCHEMAS`.
    """
    model, about = SCHEMAS[name]
    made = TypeAdapter(model).json_schema()
    return {"$schema": _DIALECT, **made, "title": name, "description": about}


def json_schema_page(name: str) -> str:
    """The schema as the text of its file."""
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"
