"""From paths to a stream of documents, each id once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from graph.documents.filters import Filters, Objection
from graph.documents.formats import READERS
from graph.documents.packing import DamagedFileError
from graph.documents.records import Record, Source, document_from
from graph.documents.selection import choose
from graph.documents.sources import find_sources
from schemas.documents import Document, LeftOut, Unreadable
from schemas.errors import DocumentError
from schemas.inputs import DocumentsConfig

_Item = TypeVar("_Item", bound=Document | Unreadable | LeftOut)

_SHOWN_IDS = 5


def read_documents(
    paths: Sequence[Path | str],
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
        paths: Files, folders that are read at any depth, or names of data sets, in the order given.
        text_field: Field or column of the text.
        id_field: Field or column of the id; a document without one gets a hash of its text, and a text,
            markdown, HTML or PDF file its path below the folder that was named.
        limit: Stop after so many documents; unreadable records do not count.
        ids: Give only documents of these ids, and stop once all were found.

    Raises:
        DocumentError: A path cannot be read; there is not one record; two records have one id; or ids
            asked for are in no file.
        UsageError: A format needs a library that is not installed.
    """
    sources = find_sources(paths)
    return _asked_for(_read(sources, text_field, id_field), limit, frozenset(ids))


def documents_of(config: DocumentsConfig, seed: int) -> Iterator[Document | Unreadable | LeftOut]:
    """Read the documents of a job; those that its filters or its sample leave out come as `LeftOut`.

    A sample is chosen by a pass of its own through all documents, when the first one is asked for; see
    `graph.documents.selection` for what is held in memory then. `limit` and `ids` come after both.

    Args:
        config: The job's table `documents`; relative paths are taken from the working directory.
        seed: The job's.

    Raises:
        DocumentError: As `read_documents`.
        UsageError: A library is not installed, or a language is not known.
    """
    sources = find_sources(config.paths)
    filters = Filters(config)

    def read() -> Iterator[Document | Unreadable | LeftOut]:
        return _kept(_read(sources, config.text_field, config.id_field), filters.against)

    def chosen() -> Iterator[Document | Unreadable | LeftOut]:
        if config.sample is None:
            yield from read()
            return
        admitted = (item for item in read() if isinstance(item, Document))
        yield from _kept(read(), choose(admitted, config, seed).against)

    return _asked_for(chosen(), config.limit, frozenset(config.ids))


def _kept(
    items: Iterable[_Item], against: Callable[[Document], Objection | None]
) -> Iterator[_Item | LeftOut]:
    """The same, where documents that something is said against are left out."""
    for item in items:
        objection = against(item) if isinstance(item, Document) else None
        if isinstance(item, Document) and objection is not None:
            reason = f"left out: {objection.reason}"
            yield LeftOut(id=item.id, source=item.source, key=objection.key, reason=reason)
        else:
            yield item


def _asked_for(items: Iterator[_Item], limit: int | None, wanted: frozenset[str]) -> Iterator[_Item]:
    given = 0
    missing = set(wanted)
    for item in items:
        if isinstance(item, Unreadable):
            yield item
            continue
        if wanted and item.id not in wanted:
            continue
        missing.discard(item.id)
        given += isinstance(item, Document)
        yield item
        if given == limit or (wanted and not missing):
            return
    if missing:
        shown = ", ".join(sorted(missing)[:_SHOWN_IDS]) + (", ..." if len(missing) > _SHOWN_IDS else "")
        raise DocumentError(f"No document has the id {shown}.", "Ask for ids that the files have.")


def _read(sources: Sequence[Source], text_field: str, id_field: str) -> Iterator[Document | Unreadable]:
    seen: dict[str, str] = {}
    nothing = True
    for record in _records(sources, text_field):
        nothing = False
        document = document_from(record, text_field, id_field)
        if isinstance(document, Document):
            document = _once(document, record, id_field, seen)
        yield document
    if nothing:
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
