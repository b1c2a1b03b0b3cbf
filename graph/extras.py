"""What GuideX can be installed with, and whether it is."""

from __future__ import annotations

import importlib.util
from typing import Final, NamedTuple


class Extra(NamedTuple):
    """An optional part of the installation.

    Attributes:
        modules: What it brings, by the names that are imported; the first tells whether it is there.
        purpose: What it is for.
        first: A command that must come before its installation.
    """

    modules: tuple[str, ...]
    purpose: str
    first: str = ""


EXTRAS: Final = {
    "local": Extra(("xllamacpp",), "models in this process"),
    "finetune": Extra(
        ("torch", "transformers", "peft", "trl", "accelerate", "datasketch", "gguf"),
        "training and evaluating models",
        # In the build that suits the machine: https://pytorch.org says how; without a GPU the small one.
        first="pip install torch==2.13.0",
    ),
    "view": Extra(("starlette", "uvicorn"), "the viewer"),
    "otel": Extra(
        ("opentelemetry.exporter.otlp.proto.http", "opentelemetry", "google", "requests"),
        "the export of traces",
    ),
    "datasets": Extra(("datasets",), "data sets of Hugging Face"),
    "spacy": Extra(("spacy",), "exports for spaCy"),
    "hub": Extra(("huggingface_hub",), "uploads to the Hugging Face hub"),
    "html": Extra(("trafilatura", "lxml_html_clean"), "documents in HTML"),
    "pdf": Extra(("pypdf",), "documents in PDF"),
    "language": Extra(("py3langid",), "telling the language of documents"),
}
"""By the name it is installed under."""


def is_installed(name: str) -> bool:
    """Whether an extra is there."""
    try:
        return importlib.util.find_spec(EXTRAS[name].modules[0]) is not None
    except ModuleNotFoundError:  # a package it would be in
        return False


def install_command(name: str) -> str:
    """What installs an extra, in GuideX's folder."""
    first = EXTRAS[name].first
    return f"{first} && " * bool(first) + f"pip install -e '.[{name}]'"
