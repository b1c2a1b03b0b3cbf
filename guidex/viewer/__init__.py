"""The viewer: runs, documents, traces and thresholds in a browser, served on this machine alone."""

from guidex.viewer.app import create_app

__all__ = ["create_app"]
