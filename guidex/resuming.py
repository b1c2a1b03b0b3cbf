"""Whether a run that exists is taken up again."""

from __future__ import annotations

from enum import StrEnum


class Resume(StrEnum):
    """What to do about a run that exists already."""

    NEVER = "never"
    ALWAYS = "always"
    IF_POSSIBLE = "if-possible"
