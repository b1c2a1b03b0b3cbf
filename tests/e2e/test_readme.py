"""Every command in the README is run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers.scripted import agreeable

from agents.llm.embedded import resolve_gguf

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
VIEWER = (ROOT / "docs" / "viewer.md").read_text("utf-8")
"""What its commands look at is what those of the README have made."""
COMMANDS = [
    line.strip()
    for block in re.findall(r"^```sh\n(.*?)^```", README + VIEWER, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.strip() and not line.startswith("#")
]


def test_the_readme_shows_the_two_commands_and_those_of_a_first_run() -> None:
    for command in ("make demo", "make test", "guidex run", "guidex trace show", "guidex export"):
        assert any(line.startswith(command) for line in COMMANDS), command


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))))
def test_every_make_target_named_there_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.model
def test_every_guidex_command_works_in_its_order(
    guidex: Callable[..., Any],
    guidex_process: Callable[..., subprocess.Popen[str]],
    scripted_server: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a folder with a document, its gold and a schema; hosted models are a scripted server."""
    lines = (ROOT / "examples" / "quickstart" / "documents.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "docs.jsonl").write_text(lines[0] + "\n", "utf-8")
    gold = json.loads(lines[0]) | {"entities": [{"start": 0, "end": 3, "label": "Person"}]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(gold) + "\n", "utf-8")
    shutil.copy(ROOT / "examples" / "given-schema" / "schema.py", tmp_path)
    server = scripted_server(agreeable)
    for name in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{name}_API_KEY", "key-of-nobody")
        monkeypatch.setenv(f"{name}_BASE_URL", getattr(server, f"{name.lower()}_url"))
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "model.gguf").symlink_to(resolve_gguf("smollm2-135m"))
    for command in ("RUN", "PREVIEW", "ESTIMATE"):  # the embedded model takes half a minute a round
        monkeypatch.setenv(f"GUIDEX_{command}_ROUNDS", "1")
    ours = [shlex.split(line)[1:] for line in COMMANDS if line.startswith("guidex ")]
    assert len(ours) >= 12
    for arguments in ours:
        arguments = [server.openai_url if "localhost" in word else word for word in arguments]
        if arguments[0] == "view" and "bundle" not in arguments:
            assert "my-run" in first_page(guidex_process(*arguments, "--port", 0, "--no-browser"))
            continue
        done = guidex(*arguments)
        assert done.code == 0, f"guidex {shlex.join(arguments)}: {done.err}"
        if arguments[0] == "init":
            job = tmp_path / arguments[1]
            job.write_text(
                re.sub(r"^paths = .*$", 'paths = ["docs.jsonl"]', job.read_text("utf-8"), flags=re.M)
            )
    assert server.calls, "the hosted models were never asked"
    shutil.rmtree(tmp_path / "runs")


def first_page(viewer: subprocess.Popen[str]) -> str:
    """What a viewer serves first; then it is ended as a person would."""
    assert viewer.stdout is not None and viewer.stderr is not None
    try:
        line = viewer.stdout.readline()
        assert line, viewer.stderr.read()
        with urllib.request.urlopen(line.split()[-1], timeout=30) as answer:
            return str(answer.read(), "utf-8")
    finally:
        viewer.send_signal(signal.SIGINT)
        viewer.communicate(timeout=30)


@pytest.mark.parametrize("page", ["README.md", "docs/viewer.md"])
def test_files_folders_and_pictures_named_there_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)|src=\"([^\"]+)\"", text):
        assert ((ROOT / page).parent / "".join(target)).exists(), target


def test_the_page_on_the_viewer_tells_every_key_and_shows_every_picture() -> None:
    frame = (ROOT / "guidex" / "viewer" / "templates" / "base.html").read_text("utf-8")
    keys = set(re.findall(r"<kbd>([^<]+)</kbd>", frame))
    assert keys and not [key for key in keys if f"`{key}`" not in VIEWER]
    pictures = {path.name for path in (ROOT / "docs" / "images").glob("*-1280.png")}
    assert pictures and not [name for name in pictures if f"images/{name}" not in VIEWER]
