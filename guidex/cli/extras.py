"""What needs more than GuideX's own requirements, and what is said where that is not installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from graph.extras import EXTRAS, install_command
from schemas.errors import UsageError


@contextlib.contextmanager
def extra(name: str, lacking: str) -> Iterator[None]:
    """Import within what an extra brings.

    Args:
        name: Of the extra.
        lacking: What cannot be done without, as a sentence.

    Raises:
        UsageError: It is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in EXTRAS[name].modules:
            raise UsageError(lacking, f"Run `{install_command(name)}` in GuideX's folder.") from error
        raise


def training_extra() -> contextlib.AbstractContextManager[None]:
    """Import within what trains models and asks them."""
    return extra("finetune", "This needs PyTorch, transformers, PEFT and TRL, which are not installed.")


def viewer_extra() -> contextlib.AbstractContextManager[None]:
    """Import the viewer within."""
    return extra("view", "The viewer needs starlette and uvicorn, which are not installed.")


def tracing_extra() -> contextlib.AbstractContextManager[None]:
    """Import within what exports traces."""
    return extra("otel", "Exporting traces needs OpenTelemetry's libraries, which are not installed.")
