"""Writing files of documents and reading them, for the tests of readers."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from graph.documents import read_documents
from schemas.documents import Document, Unreadable
from schemas.errors import DocumentError


def write(path: Path, *lines: object) -> Path:
    """A file of JSON Lines; bytes and strings are written as they are."""
    rows = [line if isinstance(line, bytes) else _dump(line) for line in lines]
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


def _dump(line: object) -> bytes:
    return (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)).encode()


def read(*paths: Path, **options: object) -> tuple[list[Document], list[Unreadable]]:
    found = list(read_documents(paths, **options))  # type: ignore[arg-type]
    documents = [item for item in found if isinstance(item, Document)]
    return documents, [item for item in found if isinstance(item, Unreadable)]


def refusal(*paths: Path, **options: object) -> str:
    with pytest.raises(DocumentError) as caught:
        read(*paths, **options)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    return str(caught.value)


def texts(documents: Iterable[Document]) -> list[str]:
    return [document.text for document in documents]
