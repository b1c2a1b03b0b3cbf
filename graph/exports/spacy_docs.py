"""spaCy's DocBin files, several to a folder: `spacy train` reads the folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graph.exports.about import Export
from graph.exports.documents import ExportedDocument, Span
from graph.exports.tally import Lost, Tally
from graph.exports.tokens import outermost, tokens_in, tokens_of, words

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

SPANS_KEY: Final = "sc"
"""Where spaCy's span categoriser looks for spans by default."""

_AT_ONCE: Final = 1000
"""Documents to a file, which spaCy keeps in memory as a whole."""


def write_spacy(documents: Iterable[ExportedDocument], folder: Path, export: Export) -> None:
    """Write documents with all mentions in `doc.spans["sc"]`, and those that do not overlap as `doc.ents`.

    Where classes are in dispute, tokens without an entity are missing values rather than outside of any, so
    that spaCy's recogniser learns nothing from them; `doc.user_data` has the id and these classes.
    """
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    def bin_() -> Any:
        return DocBin(attrs=["ENT_IOB", "ENT_TYPE"], store_user_data=True)

    vocab, waiting, files = Vocab(), bin_(), 0
    for document in documents:
        waiting.add(_doc(document, vocab, export.tally))
        export.tally.rows += 1
        if len(waiting) == _AT_ONCE:
            waiting.to_disk(folder / f"documents-{files:05}.spacy")
            vocab, waiting, files = Vocab(), bin_(), files + 1
    if len(waiting) or not files:
        waiting.to_disk(folder / f"documents-{files:05}.spacy")


def _doc(document: ExportedDocument, vocab: Vocab, tally: Tally) -> Doc:
    from spacy.tokens import Doc
    from spacy.util import get_words_and_spaces

    text = document.document.text
    tokens = tokens_of(text, document.spans)
    pieces, spaces = get_words_and_spaces(words(text, tokens), text)
    doc = Doc(vocab, words=pieces, spaces=spaces)
    made = []
    for span in document.spans:
        within = tokens_in(span, tokens)
        if within is None:
            tally.lost[Lost.BLANK] += 1
        else:
            made.append(Span(tokens[within.start][0], tokens[within.stop - 1][1], span.label))
    doc.spans[SPANS_KEY] = _found(doc, made)
    doc.set_ents(
        _found(doc, outermost(made)),
        default="missing" if document.unknown else "outside",
    )
    doc.user_data["id"] = document.document.id
    doc.user_data["unknown_classes"] = list(document.unknown)
    return doc


def _found(doc: Doc, spans: Iterable[Span]) -> list[Any]:
    """Spans by their offsets; tokens are cut at all of them."""
    return [found for span in spans if (found := doc.char_span(*span)) is not None]
