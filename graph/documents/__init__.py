"""Reading documents: JSON Lines, JSON, CSV, Parquet, plain text and markdown, and folders of them."""

from graph.documents.reading import read_documents
from graph.documents.sources import SUPPORTED

__all__ = ["SUPPORTED", "read_documents"]
