"""Reading gold files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from finetune.gold.bio import Sentence, read_conll
from finetune.gold.models import Gold, GoldDocument
from finetune.gold.records import read_records
from schemas.errors import DocumentError

_JSON_LINES = (".jsonl", ".ndjson", ".json")


def read_gold(paths: Sequence[Path], *, distinct: bool = True) -> Gold:
    """Read gold: JSON Lines with offsets (`.jsonl`, `.ndjson`, `.json`), or CoNLL lines with BIO tags.

    Args:
        paths: The files, in the order given.
        distinct: Keep each text once. Test sets that others have measured on are taken with their copies.

    Raises:
        DocumentError: A file cannot be read or has no gold in it, a line has another form, or two different
            texts have one id.
    """
    documents: dict[str, GoldDocument] = {}
    texts: dict[str, GoldDocument] = {}
    repeated: list[str] = []
    repaired: list[str] = []
    for path in paths:
        file, count = path.as_posix(), 0
        try:
            for document, tags in _read(path, file):
                count += 1
                repaired += tags
                if not distinct:
                    texts[f"{len(texts)} {document.text}"] = document
                elif texts.setdefault(document.text, document) is not document:
                    repeated.append(document.place)
                elif document.id is not None and documents.setdefault(document.id, document) is not document:
                    raise DocumentError(
                        f"Two texts have the id {document.id!r}: {documents[document.id].place} and "
                        f"{document.place}.",
                        "Give each text an id of its own, or leave the ids out.",
                    )
        except OSError as error:
            raise DocumentError(
                f"{file} cannot be read: {error.strerror or error}.", "Check the path and its permissions."
            ) from error
        if not count:
            raise DocumentError(f"There is no gold in {file}.", "Give a file that has some.")
    return Gold(tuple(texts.values()), tuple(repeated), tuple(repaired))


def _read(path: Path, file: str) -> Iterator[Sentence]:
    if path.suffix.lower() in _JSON_LINES:
        return ((document, ()) for document in read_records(path, file))
    return read_conll(path, file)
