"""A run, or the most telling documents of it, as one file that is read without a server."""

from guidex.viewer.bundle.making import Bundle, make_bundle
from guidex.viewer.bundle.writing import refuse_other_file, write_bundle

__all__ = ["Bundle", "make_bundle", "refuse_other_file", "write_bundle"]
