"""Reading documents: JSON Lines, JSON, CSV, Parquet, text, markdown, HTML and PDF, and folders of them."""

from graph.documents.counting import count_records
from graph.documents.reading import read_documents
from graph.documents.sources import SUPPORTED, seen_from, source_state

__all__ = ["SUPPORTED", "count_records", "read_documents", "seen_from", "source_state"]
