"""`guidex train` and `guidex merge` on an exported file: shown, trained, interrupted, resumed, merged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command

from schemas.dialect import Flavour, render
from tests.finetune.annotated_sources import source
from tests.finetune.tiny_models import tiny_model

pytest.importorskip("torch")

Start = Callable[..., subprocess.Popen[str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def flags(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Arguments of `guidex train`: eight documents, sixteen steps."""
    monkeypatch.setenv("GUIDEX_THREADS", "1")
    rows = []
    for number in range(8):
        one = source(
            f"d{number}", f"Ann met Bob {number} times in Oslo.", {"Person": ["Ann"], "City": ["Oslo"]}
        )
        code = render(one.annotation_schema, one.annotation, one.text, Flavour.GUIDEX)
        rows.append(json.dumps({"ids": [one.id], "text": code}))
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join(rows), "utf-8")
    settings = ("rank=4", "batch_tokens=64", "token_budget=null", "epochs=2", "accumulate=1", "bf16=false")
    recipe = tmp_path / "tiny.toml"
    kept = [each.replace("=", " = ") for each in settings if "null" not in each]
    recipe.write_text("\n".join(["[examples]", "duplicates = 1", "[training]", *kept, "save_steps = 100"]))
    return [file, "--base", base, "--recipe", recipe]


def test_a_preview_shows_what_is_learnt_without_colours(guidex: Command, flags: list[object]) -> None:
    done = guidex("train", *flags, "--preview", 2)
    assert done.code == 0, done.err
    assert "result =⟦" in done.out and done.out.count("⟦<end>⟧") == 2
    (first, _) = guidex("train", *flags, "--preview", 2, "--json").json
    learnt = "".join(each["text"] for each in first["tokens"] if each["learnt"])
    assert learnt.startswith(" [") and learnt.endswith("]<end>")
    assert not Path("adapters").exists(), "nothing was trained"


def test_interrupted_the_same_command_goes_on(
    guidex: Command, guidex_process: Start, flags: list[object], tmp_path: Path
) -> None:
    process = guidex_process("train", *flags, "--display", "plain")
    assert process.stderr is not None
    said = ""
    while "step 2/" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "the same command goes on" in err, err
    assert not (tmp_path / "adapters" / "tiny").exists()
    done = guidex("train", *flags, "--json")
    assert done.code == 0, done.err
    assert done.json["steps"] == done.json["steps_planned"] == len(done.json["losses"]) == 16
    assert done.json["folder"].endswith("adapters/tiny")
    assert done.json["examples_seen"] == 2 * done.json["examples"]["training"] == 16
    again = guidex("train", *flags)
    assert again.code == 0 and "was trained before" in again.out and "documents" in again.out
    assert guidex("merge", "adapters/tiny", "--into", "whole", "--json").json == {"folder": "whole"}
    refused = guidex("merge", "adapters/tiny", "--into", "whole")
    assert refused.code == 2 and "is there already" in refused.err


def test_a_mistake_is_one_sentence(guidex: Command, flags: list[object]) -> None:
    for wrong, said in {
        ("--name", "../there"): "cannot be named",
        ("--set", "training.rank=0"): "This is no recipe",
        ("--set", "rank"): "sets nothing",
        ("--recipe", "large"): "There is no recipe `large`",
        ("--base", "./nowhere"): "There is no model `./nowhere`",
    }.items():
        done = guidex("train", *flags, *wrong)
        assert done.code in (1, 2) and said in done.err and "Traceback" not in done.err, done.err


def test_without_torch_it_says_what_to_install(flags: list[object]) -> None:
    script = (
        "import sys; sys.modules['torch'] = None; from guidex.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "train", *map(str, flags)]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 2 and "pip install torch" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
