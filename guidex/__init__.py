"""GuideX: agents that turn raw documents into guideline-annotated information-extraction data.

    import guidex

    result = guidex.run("examples/quickstart/guidex.toml")
    with guidex.open_run(result.folder) as reader:
        for row in reader.documents():
            print(row.id, row.outcome, row.reason)

Importing this package is cheap: what a name needs is loaded with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guidex.api import Job, RunReader, RunResult, open_run, parse_job, run

    __version__: str

__all__ = ["Job", "RunReader", "RunResult", "__version__", "open_run", "parse_job", "run"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from guidex.version import version

        return version()
    if name in __all__:
        from guidex import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
