"""The runs that browser tests look at, made by the command and a scripted model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from commands import mixed, write_documents
from servers.scripted import Call, Script, ScriptedServer, Turn
from viewer.conftest import make_run

import guidex
from graph.store.records import RunStatus

PEOPLE: Final = {
    "ada": "Lovelace wrote programs for the Analytical Engine in London.",
    "bell": "Burnell found pulsars with a telescope near Cambridge.",
    "curie": "Sklodowska discovered polonium and radium in Paris.",
    "darwin": "Charles sailed aboard Beagle around South America.",
    "empty": "",
}
"""`ada` and `bell` are accepted, `curie` is rejected, `darwin` fails, `empty` cannot be read."""

ATTACKS: Final = (
    "<script>alert('script')</script>",
    "<img src=x onerror=alert('image')>",
    "'\"><svg onload=alert('svg')>",
    "<a href=\"javascript:alert('link')\">a link</a>",
    "</style></title></textarea></template></dialog><iframe src=//evil.example></iframe>",
    "<form action=//evil.example><input autofocus onfocus=alert('form')></form>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example/>",
    "{{ links.__class__ }} ${alert('template')} &lt;script&gt; <!-- --!> ]]>",
)
"""What would show in a browser if it were taken for markup."""

_PROSE: Final = ("definition", "include", "exclude", "boundary", "facts", "domain", "message", "reason")


def hostile(call: Call) -> Turn:
    """As `mixed`, with attacks in whatever the answer's schema takes as prose."""
    return _attacked(mixed(call), "")


def _attacked(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _attacked(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_attacked(part, name) for part in value]
    return f"{value} {ATTACKS[0]} {ATTACKS[1]}" if name in _PROSE and isinstance(value, str) else value


HOSTILE_NAME: Final = "'\"><img src=x onerror=alert(1)>"
"""A folder's name, and so the run's."""


def elsewhere(work: Callable[..., object], *arguments: Any, **settings: Any) -> Any:
    """Do something in a thread of its own: in the main one Playwright's event loop runs, and no other can."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *arguments, **settings).result()


def make_run_of(folder: Path, name: str, documents: Path, script: Script, **settings: Any) -> None:
    """A run in `folder`, by a scripted model."""
    with ScriptedServer(script) as server:
        job = {
            "documents": {"paths": [str(documents)]},
            "model": {"name": "openai/scripted", "base_url": server.openai_url},
            **settings,
        }
        elsewhere(guidex.run, job, name=name, runs_dir=folder)


def make_runs(folder: Path) -> Path:
    """One run by each method and mode, a hostile one, and one of documents that nothing was done about."""
    folder.mkdir()
    documents = write_documents(folder.parent / "people.jsonl", PEOPLE)
    make_run_of(folder, "people", documents, mixed, rounds=2)
    make_run_of(folder, "votes", documents, mixed, method="self-consistency")
    make_run_of(folder, "pipeline", documents, mixed, method="linear")
    make_run_of(folder, "shared", documents, mixed, mode="corpus", pilot={"documents": 2})
    make_run(folder, "nothing", status=RunStatus.STOPPED)
    attacks = {f"{attack} {n}": f"Sklodowska {attack} Lovelace {n}." for n, attack in enumerate(ATTACKS)}
    attacked = write_documents(folder.parent / "attacks.jsonl", attacks)
    make_run_of(folder, "hostile", attacked, hostile, rounds=2)
    (folder / "hostile").rename(folder / HOSTILE_NAME)
    return folder
