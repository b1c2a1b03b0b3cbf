"""From paths to a stream of documents, each id once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from graph.documents.formats import READERS
from graph.documents.packing import DamagedFileError
from graph.documents.records import Record, Source, document_from
from graph.documents.sources import find_sources
from schemas.documents import Document, Unreadable
from schemas.errors import DocumentError

_SHOWN_IDS = 5


def read_documents(
    paths: Sequence[Path],
    *,
    text_field: str = "text",
    id_field: str = "id",
    limit: int | None = None,
    ids: Collection[str] = (),
) -> Iterator[Document | Unreadable]:
    """Read documents one after the other, as they stand in the files; never a whole corpus in memory.

    Lines and rows are streamed; of the ids read so far and of a JSON list, all are held. A record that is
    no document comes as `Unreadable`, and so does a text without an id that was read before. Paths are
    checked at the call, everything else as it is reached.

    Args:
        paths: Files, or folders that are read at any depth, in the order given.
        text_field: Field or column of the text.
        id_field: Field or column of the id; a document without one gets a hash of its text, and a text or
            markdown file its path below the folder that was named.
        limit: Stop after so many documents; unreadable records do not count.
        ids: Give only documents of these ids, and stop once all were found.

    Raises:
        DocumentError: A path cannot be read; there is not one record; two records have one id; or ids
            asked for are in no file.
    """
    return _read(find_sources(paths), text_field, id_field, limit, frozenset(ids))


def _read(
    sources: Sequence[Source], text_field: str, id_field: str, limit: int | None, wanted: frozenset[str]
) -> Iterator[Document | Unreadable]:
    seen: dict[str, str] = {}
    given = empty = 0
    missing = set(wanted)
    for record in _records(sources, text_field):
        document = document_from(record, text_field, id_field)
        if isinstance(document, Document):
            document = _once(document, record, id_field, seen)
        if isinstance(document, Unreadable):
            empty += 1
            yield document
            continue
        if wanted and document.id not in wanted:
            continue
        missing.discard(document.id)
        given += 1
        yield document
        if given == limit or (wanted and not missing):
            return
    if missing:
        shown = ", ".join(sorted(missing)[:_SHOWN_IDS]) + (", ..." if len(missing) > _SHOWN_IDS else "")
        raise DocumentError(f"No document has the id {shown}.", "Ask for ids that the files have.")
    if not given and not empty:
        files = ", ".join(source.file for source in sources[:3])
        raise DocumentError(f"There are no documents in {files}.", "Give a file that has some.")


def _records(sources: Sequence[Source], text_field: str) -> Iterator[Record]:
    for source in sources:
        line: int | None = None
        try:
            for record in READERS[source.format](source, text_field):
                line = record.line
                yield record
        except DamagedFileError as error:
            from_here = "" if line is None else "from here on the file cannot be read: "
            yield Record(source.file, None if line is None else line + 1, None, f"{from_here}{error}")
        except OSError as error:
            raise DocumentError(
                f"{source.file} cannot be read: {error.strerror}.", "Check the file."
            ) from error


def _once(document: Document, record: Record, id_field: str, seen: dict[str, str]) -> Document | Unreadable:
    """Refuse a second document of one id, and set aside a second copy of a text that has no id of its own."""
    place = seen.get(document.id)
    if place is None:
        seen[document.id] = record.place
        return document
    if record.has_id(id_field):
        raise DocumentError(
            f"Two documents have the id {document.id!r}: {place} and {record.place}.",
            "Give each document an id of its own, or name another `id_field`.",
        )
    return record.unreadable(f"the same text as {place}")
