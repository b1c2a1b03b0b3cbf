"""PDF files: the text that pypdf extracts, page by page."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Final

from graph.documents.packing import LARGEST_TEXT
from graph.documents.quiet import quiet
from graph.documents.records import Record, Source

_MOST_PAGES: Final = 5_000
_LONGEST: Final = 20_000_000
"""Characters of the text; pages may share one content, so that a small file has any number of them."""

_MOST_OPERATIONS: Final = 3_000_000
"""Operations of drawing; a few kilobytes can unpack to any number, and each takes some 35 microseconds."""

_LONGEST_STREAM: Final = 20_000_000
_MOST_FORMS: Final = 500
"""Of what a page draws: bytes of a stream, and uses of others by one; tighter than pypdf's own bounds."""

_BETWEEN_PAGES: Final = "\n\n"


class _TooMuchWorkError(Exception):
    """A file draws more than any that is meant to be read."""


def read_pdf(source: Source, text_field: str) -> Iterator[Record]:
    """A PDF that is one document, with its title, author and number of pages as further fields.

    pypdf itself bounds what streams unpack to, how deep objects are nested and how many there are.
    """
    from pypdf import PdfReader, apply_configuration
    from pypdf.errors import FileNotDecryptedError

    if source.path.stat().st_size > LARGEST_TEXT:
        yield Record(source.file, None, None, f"it has more than {LARGEST_TEXT // 2**20} MB")
        return
    with quiet("pypdf"), warnings.catch_warnings(), source.path.open("rb") as stream:
        warnings.simplefilter("ignore")
        try:
            with apply_configuration(
                zlib_maximum_output_length=_LONGEST_STREAM,
                xform_maximum_invocations_per_extraction=_MOST_FORMS,
            ):
                value = _extracted(PdfReader(stream), text_field)
        except FileNotDecryptedError:
            value = "it is encrypted, and cannot be read without its password"
        except _TooMuchWorkError:
            value = f"drawing its pages takes more than {_MOST_OPERATIONS:,} operations"
        except Exception as error:  # whatever a parser stumbles over in a broken or hostile file
            value = f"no PDF that can be read: {type(error).__name__}"
    if isinstance(value, str):
        yield Record(source.file, None, None, value)
    else:
        yield Record(source.file, None, value, name=source.name)


def _extracted(reader: Any, text_field: str) -> dict[str, Any] | str:
    """The fields of the document, or why there are none."""
    if reader.is_encrypted:
        reader.decrypt("")  # many are encrypted against printing only
    pages = len(reader.pages)
    if pages > _MOST_PAGES:
        return f"it has {pages:,} pages, more than {_MOST_PAGES:,}"
    operations = 0

    def count(*operation: object) -> None:
        nonlocal operations
        operations += 1
        if operations > _MOST_OPERATIONS:
            raise _TooMuchWorkError

    texts: list[str] = []
    length = 0
    for page in reader.pages:
        texts.append(page.extract_text(visitor_operand_before=count))
        length += len(texts[-1])
        if length > _LONGEST:
            return f"its text has more than {_LONGEST:,} characters"
    if not "".join(texts).strip():
        return (
            f"none of its pages ({pages:,}) has text: scanned pages need optical character recognition first"
        )
    about = reader.metadata
    fields = {"title": about.title, "author": about.author} if about is not None else {}
    known = {name: str(value) for name, value in fields.items() if value}
    return {**known, "pages": pages, text_field: _BETWEEN_PAGES.join(texts)}
