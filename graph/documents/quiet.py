"""Libraries that read documents say on the terminal what is no news: what matters is a record's reason."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quiet(*loggers: str) -> Iterator[None]:
    """Within, these loggers say nothing."""
    before = [(logger, logger.level) for logger in map(logging.getLogger, loggers)]
    for logger, _ in before:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
