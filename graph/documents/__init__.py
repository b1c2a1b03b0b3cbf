"""Reading documents: JSON Lines, JSON, CSV, Parquet, text, markdown, HTML and PDF, and folders of them."""

from graph.documents.counting import count_records
from graph.documents.naming import STANDARD_INPUT, data_set_named, stem_of, with_path
from graph.documents.reading import documents_of, read_documents
from graph.documents.sources import SUPPORTED, find_sources, seen_from, source_state

__all__ = [
    "STANDARD_INPUT",
    "SUPPORTED",
    "count_records",
    "data_set_named",
    "documents_of",
    "find_sources",
    "read_documents",
    "seen_from",
    "source_state",
    "stem_of",
    "with_path",
]
