"""`guidex eval` with models asked by chat: what is printed and kept, going on, and no PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.scripted import Call, Fail, ScriptedServer, Turn

from finetune.evaluation.results import AVERAGE, Evaluation
from finetune.evaluation.scoring import Measure
from finetune.gold import read_gold

BENCHMARK = Path(__file__).parents[2] / "examples" / "benchmark"
GARDENING = BENCHMARK / "gardening.jsonl"
MENTIONS = {
    document.text: [(label, document.text[start:end]) for start, end, label in document.mentions]
    for document in read_gold([GARDENING]).documents
}
_WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from guidex.cli import main; sys.exit(main())"


def knowing(call: Call) -> Turn:
    """A model that finds everything, and calls the first thing in each sentence a Weed."""
    found = next(mentions for text, mentions in MENTIONS.items() if text in call.prompt)
    return {"result": f"[{', '.join(f'{name}(span={surface!r})' for name, surface in found[1:])}]"}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(knowing) as running:
        yield running


def run(folder: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    """The command, where PyTorch cannot be imported."""
    benchmark = ["--benchmark", str(GARDENING), "--schema", str(BENCHMARK / "schemas")]
    client = ["--client", "openai/scripted", "--base-url", url, "--output", str(folder)]
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH, "eval", *benchmark, *client, *more],
        capture_output=True,
        text=True,
        cwd=folder.parent,
        env=os.environ | {"COLUMNS": "80", "PYTHONPATH": str(BENCHMARK.parents[1])},
    )


def test_a_model_is_measured_without_pytorch_and_asked_nothing_twice(
    tmp_path: Path, server: ScriptedServer
) -> None:
    folder = tmp_path / "evals"
    first = run(folder, server.openai_url, "--json")
    assert first.returncode == 0, first.stderr
    made = Evaluation.model_validate_json(first.stdout)
    expected = sum(max(len(mentions) - 1, 0) for mentions in MENTIONS.values())
    total = sum(map(len, MENTIONS.values()))
    scores = made.models[0].scores[AVERAGE][Measure.STRICT]
    assert scores.precision.value == 1.0
    assert scores.recall.value == pytest.approx(expected / total)
    assert len(server.calls) == len(MENTIONS)
    assert Evaluation.model_validate_json((folder / "result.json").read_bytes()) == made
    assert (folder / "chart.svg").read_text("utf-8").startswith("<svg")
    again = run(folder, server.openai_url)
    assert len(server.calls) == len(MENTIONS)
    *lines, told = again.stdout.splitlines()
    assert again.returncode == 0 and max(map(len, lines)) <= 80 and folder.as_posix() in told
    assert "openai/scripted" in again.stdout


def test_each_class_is_shown_with_whether_training_knew_it(tmp_path: Path, server: ScriptedServer) -> None:
    (tmp_path / "labels.txt").write_text("plants\nGardeners\nTools for hands\n", "utf-8")
    seen = ["--seen", str(tmp_path / "labels.txt"), "--per-class"]
    made = run(tmp_path / "evals", server.openai_url, *seen)
    assert made.returncode == 0, made.stderr
    rows = [line.split() for line in made.stdout.splitlines() if line.startswith("gardening: ")]
    assert {row[1]: row[-1] for row in rows} == {
        "Plant": "exact",
        "Gardener": "exact",
        "Pest": "unseen",
        "Tool": "unseen",
        "Garden": "near",
    }
    total = sum(map(len, MENTIONS.values()))
    assert sum(int(found) + int(missed) for *_, found, missed, _, _ in rows) == total


def test_answers_before_a_failure_are_kept(tmp_path: Path) -> None:
    calls = 0

    def failing(call: Call) -> Turn:
        nonlocal calls
        calls += 1
        return knowing(call) if calls <= 4 else Fail(401)

    folder = tmp_path / "evals"
    with ScriptedServer(failing) as server:
        failed = run(folder, server.openai_url)
    assert failed.returncode == 1 and "Traceback" not in failed.stderr
    kept = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(kept) == 4
    with ScriptedServer(knowing) as server:
        assert run(folder, server.openai_url).returncode == 0
        assert len(server.calls) == len(MENTIONS)  # another address: another server, whose answers may differ


def test_a_model_of_transformers_without_pytorch_is_told_of_in_one_sentence(tmp_path: Path) -> None:
    made = run(tmp_path / "evals", "http://127.0.0.1:1/v1", "--model", "local/smollm2-135m")
    assert made.returncode == 2 and "pip install" in made.stderr and "Traceback" not in made.stderr
