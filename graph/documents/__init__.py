"""Reading documents: JSON Lines, JSON, CSV, Parquet, text, markdown, HTML and PDF, and folders of them."""

from graph.documents.counting import count_records
from graph.documents.reading import documents_of, read_documents
from graph.documents.sources import SUPPORTED, seen_from, source_state, stem_of

__all__ = [
    "SUPPORTED",
    "count_records",
    "documents_of",
    "read_documents",
    "seen_from",
    "source_state",
    "stem_of",
]
