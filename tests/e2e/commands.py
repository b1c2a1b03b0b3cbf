"""What the tests of the command line share: how a command ended, documents, a model with moods."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)


Command = Callable[..., Done]


def write_documents(path: Path, documents: dict[str, str]) -> Path:
    """A JSON Lines file of these ids and texts."""
    lines = [json.dumps({"id": identifier, "text": text}) for identifier, text in documents.items()]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def mixed(call: Call) -> Turn:
    """Agree on `ada` and `bell`, find everything of `curie` spurious, and never answer `darwin` in JSON."""
    if "Beagle" in call.prompt:
        return "I would rather not."
    answer = agreeable(call)
    if "Sklodowska" in call.prompt and isinstance(answer, dict) and "verdicts" in answer:
        verdicts = [{**verdict, "verdict": "spurious"} for verdict in answer["verdicts"]]
        return {**answer, "verdicts": verdicts}
    return answer


PricedJob = tuple[Path, ScriptedServer]
"""A job file and the server of its model."""


def costly(call: Call) -> Turn:
    answer = agreeable(call)
    return Say(answer, input_tokens=450, output_tokens=50) if isinstance(answer, dict) else answer
