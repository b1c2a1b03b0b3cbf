"""Exports: accepted documents in the forms that other tools read."""

from graph.exports.about import About, Export, Provenance, provenance_of
from graph.exports.documents import ExportedDocument, Span, accepted_documents, exported
from graph.exports.formats import Format, format_named, json_lines
from graph.exports.tally import Tally
from graph.exports.writing import about_file, write_export

__all__ = [
    "About",
    "Export",
    "ExportedDocument",
    "Format",
    "Provenance",
    "Span",
    "Tally",
    "about_file",
    "accepted_documents",
    "exported",
    "format_named",
    "json_lines",
    "provenance_of",
    "write_export",
]
