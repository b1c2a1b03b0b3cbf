"""The one exception tree: every member says what went wrong and what the user can do about it."""

from __future__ import annotations

from typing import ClassVar


class GuidexError(Exception):
    """Something a user can act on.

    The command line prints the message and the remedy on two lines, without a traceback, and exits
    with `exit_code`.

    Attributes:
        remedy: One sentence that says what to do; may be empty where nothing can be done.
        exit_code: What the process exits with (0 done, 1 failed, 2 usage, 75 stopped and resumable,
            130 interrupted).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class UsageError(GuidexError):
    """The command or the job file asks for something that does not exist or contradicts itself."""

    exit_code: ClassVar[int] = 2


class DocumentError(GuidexError):
    """A document source cannot be opened, or holds two documents of one id."""

    exit_code: ClassVar[int] = 2


class DialectError(GuidexError):
    """Text is not in the GuideX code dialect; the message says where and why."""


class ModelUnavailableError(GuidexError):
    """A model cannot be used: unknown name, missing key, missing file, server not answering."""


class StoreError(GuidexError):
    """The run database cannot be read or written."""


class StoreStoppedError(StoreError):
    """The run database can no longer be written, for a reason that can be mended: the run can go on then."""

    exit_code: ClassVar[int] = 75


class TraceExportError(GuidexError):
    """Traces cannot be sent to where they should go."""


class StoppedError(GuidexError):
    """A run stopped before its end and can be taken up again."""

    exit_code: ClassVar[int] = 75
