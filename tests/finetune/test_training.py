"""Training an adapter: what is minimised, going on where it was stopped or killed, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from finetune.examples import ExampleSet, build_examples
from finetune.training.models import Provenance, TrainingProgress, read_report
from schemas.errors import UsageError
from schemas.recipe import ExamplesConfig, Recipe, TrainingConfig
from tests.finetune.annotated_sources import source
from tests.finetune.tiny_models import tiny_model

torch = pytest.importorskip("torch")

from finetune.training.merging import merge  # noqa: E402
from finetune.training.training import encoder_of, train  # noqa: E402

PROVENANCE = Provenance(data="a-run", which="accepted", decision_version=1)
TEXTS = [f"Ann met Bob number {number} in Oslo, and then Cid left." for number in range(12)]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a model so small, threads would spend their time waiting for each other."""
    monkeypatch.setenv("GUIDEX_THREADS", "1")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


def recipe_for(base: Path, **training: Any) -> Recipe:
    settings = {
        "base": str(base),
        "rank": 4,
        "batch_tokens": 700,
        "epochs": 2,
        "bf16": False,
        "save_steps": 2,
    }
    return Recipe(
        examples=ExamplesConfig(class_dropout=0.2, duplicates=1, validation=training.pop("validation", 0)),
        training=TrainingConfig(**(settings | training)),
    )


def examples_for(recipe: Recipe) -> ExampleSet:
    sources = [
        source(f"d{number}", text, {"Person": ["Ann", "Bob"], "City": ["Oslo"]})
        for number, text in enumerate(TEXTS)
    ]
    encoder = encoder_of(recipe.training.base)
    return build_examples(sources, recipe.examples, seed=recipe.training.seed, count_tokens=encoder.count)


def losses_of(recipe: Recipe, folder: Path, **settings: Any) -> list[float]:
    done = train(recipe, examples_for(recipe), folder, provenance=PROVENANCE, **settings)
    assert done.report is not None
    return [each.loss for each in done.report.losses]


def test_an_adapter_comes_with_all_that_led_to_it(base: Path, tmp_path: Path) -> None:
    recipe, seen = recipe_for(base), list[TrainingProgress]()
    examples = examples_for(recipe)
    folder = tmp_path / "adapters" / "first"
    done = train(recipe, examples, folder, provenance=PROVENANCE, on_progress=seen.append)
    report = done.report
    assert report is not None and not done.already and report == read_report(folder)
    assert report.steps == report.steps_planned == len(report.losses) == seen[-1].steps
    assert [each.step for each in seen] == list(range(1, report.steps + 1))
    assert report.losses[-1].loss < report.losses[0].loss
    assert report.data_hash == examples.data_hash and report.provenance == PROVENANCE
    assert report.examples_seen == 2 * len(examples)
    assert Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text())) == recipe
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: peft\n") and "a-run" in card and report.data_hash in card
    assert (folder / "adapter_model.safetensors").is_file()
    assert [path.name for path in folder.parent.iterdir()] == ["first"], "no checkpoint is left"


def test_the_same_again_trains_nothing_and_another_recipe_is_refused(base: Path, tmp_path: Path) -> None:
    recipe = recipe_for(base, epochs=1)
    losses_of(recipe, tmp_path / "a")
    before = (tmp_path / "a" / "adapter_model.safetensors").read_bytes()
    again = train(recipe, examples_for(recipe), tmp_path / "a", provenance=PROVENANCE)
    assert again.already and (tmp_path / "a" / "adapter_model.safetensors").read_bytes() == before
    with pytest.raises(UsageError, match="of another recipe"):
        losses_of(recipe_for(base, epochs=1, rank=2), tmp_path / "a")
    with pytest.raises(UsageError, match="other data"):
        losses_of(recipe_for(base, epochs=1, seed=1), tmp_path / "a")


def test_beginning_anew_throws_away_no_folder_of_something_else(base: Path, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is no adapter"):
        losses_of(recipe_for(base, epochs=1), tmp_path / "papers", fresh=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["papers", "thesis.txt"]


def test_packing_and_padding_minimise_the_same_loss(base: Path, tmp_path: Path) -> None:
    """Examples of a packed pass do not see each other: alone, packed or padded, the first loss is one."""
    alike = {"epochs": 1, "batch_tokens": 100_000, "dropout": 0.0}
    (packed,) = losses_of(recipe_for(base, **alike), tmp_path / "packed")
    (padded,) = losses_of(recipe_for(base, **alike, packing=False), tmp_path / "padded")
    recipe = recipe_for(base)
    (alone,) = losses_of(recipe_for(base, epochs=1, batch_tokens=64, accumulate=12), tmp_path / "alone")
    assert packed == pytest.approx(padded, rel=1e-4) == pytest.approx(alone, rel=1e-4)
    assert packed == pytest.approx(plain_loss(recipe), rel=1e-4)


def plain_loss(recipe: Recipe) -> float:
    """The mean over result tokens of all examples, each by itself, with all logits: nothing of ours in it."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(recipe.training.base, dtype=torch.float32)
    encoder = encoder_of(recipe.training.base)
    total, count = 0.0, 0
    for example in examples_for(recipe).epoch(0):
        tokens, labels = encoder.encode(example)
        learnt = sum(label >= 0 for label in labels)
        with torch.no_grad():
            loss = model(input_ids=torch.tensor([tokens]), labels=torch.tensor([labels])).loss
        total, count = total + float(loss) * learnt, count + learnt
    return total / count


def test_stopped_it_goes_on_from_a_checkpoint_and_takes_the_same_steps(base: Path, tmp_path: Path) -> None:
    recipe = recipe_for(base, dropout=0.1)
    whole = losses_of(recipe, tmp_path / "whole")
    assert len(whole) > 4
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) >= 3

    stopped = train(recipe, examples_for(recipe), tmp_path / "parts", provenance=PROVENANCE, stop=stop)
    assert stopped.report is None and not (tmp_path / "parts").exists()
    assert losses_of(recipe, tmp_path / "parts") == pytest.approx(whole, rel=1e-5)
    ours, theirs = ((tmp_path / name / "adapter_model.safetensors") for name in ("parts", "whole"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_killed_it_goes_on_and_ends_with_the_same_number_of_steps(base: Path, tmp_path: Path) -> None:
    recipe = recipe_for(base, save_steps=1)
    whole = losses_of(recipe, tmp_path / "whole")
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    script = (
        "import sys; from pathlib import Path; from schemas.recipe import Recipe\n"
        "from tests.finetune.test_training import *\n"
        "recipe = Recipe.model_validate_json(Path(sys.argv[1]).read_bytes())\n"
        "train(recipe, examples_for(recipe), Path(sys.argv[2]), provenance=PROVENANCE,\n"
        "      on_progress=lambda now: print(now.step, flush=True), stop=lambda: False)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "recipe.json"), str(tmp_path / "killed")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=os.environ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "3":
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    work = tmp_path / ".killed.training"
    assert json.loads((work / "begun.json").read_text())["seconds"] > 0, "noted with each checkpoint"
    seen: list[TrainingProgress] = []
    assert losses_of(recipe, tmp_path / "killed", on_progress=seen.append) == pytest.approx(whole, rel=1e-5)
    assert seen[0].step > 1, "what was trained is not trained again"
    assert not work.exists()


def test_a_training_of_something_else_is_not_thrown_away_unasked(base: Path, tmp_path: Path) -> None:
    recipe, other = recipe_for(base, epochs=1, save_steps=1), recipe_for(base, epochs=1, rank=2)
    begun = train(recipe, examples_for(recipe), tmp_path / "a", provenance=PROVENANCE, stop=lambda: True)
    assert begun.report is None
    with pytest.raises(UsageError, match="was begun"):
        losses_of(other, tmp_path / "a")
    # Killed while it wrote a checkpoint: that one does not count.
    broken = tmp_path / ".a.training" / "checkpoint-9"
    broken.mkdir()
    (broken / "trainer_state.json").write_text('{"epoch": 0.')
    losses_of(recipe, tmp_path / "a")
    losses_of(other, tmp_path / "a", fresh=True)
    assert read_report(tmp_path / "a").recipe == other
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_memory_is_saved_without_another_loss(base: Path, tmp_path: Path) -> None:
    plain = losses_of(recipe_for(base, epochs=1), tmp_path / "plain")
    again = losses_of(recipe_for(base, epochs=1, gradient_checkpointing=True), tmp_path / "again")
    assert again == pytest.approx(plain, rel=1e-4)
    bf16 = losses_of(recipe_for(base, epochs=1, bf16=True), tmp_path / "bf16")
    assert bf16 == pytest.approx(plain, rel=0.02)
    assert read_report(tmp_path / "bf16").dtype == "bfloat16"


def test_what_is_held_out_is_measured_also_without_stopping_by_it(base: Path, tmp_path: Path) -> None:
    recipe = recipe_for(base, epochs=1, validation=0.2)
    report = train(recipe, examples_for(recipe), tmp_path / "a", provenance=PROVENANCE).report
    assert report is not None and report.steps == report.steps_planned and report.validation


def test_it_stops_early_and_keeps_the_best(base: Path, tmp_path: Path) -> None:
    # At this rate the loss of what is held out soon rises.
    recipe = recipe_for(
        base, learning_rate=0.5, schedule="constant", epochs=12, validation=0.2, patience=2, eval_steps=1
    )
    report = train(recipe, examples_for(recipe), tmp_path / "a", provenance=PROVENANCE).report
    assert report is not None and report.steps < report.steps_planned
    assert report.epochs < 12 and report.examples_seen < 12 * report.examples.training
    best = min(range(len(report.validation)), key=lambda place: report.validation[place].loss)
    assert len(report.validation) - 1 - best == 2, "two validations without a better loss"


def test_merged_it_answers_as_with_the_adapter(base: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    recipe = recipe_for(base, epochs=1, learning_rate=0.05)
    losses_of(recipe, tmp_path / "a")
    merged = merge(tmp_path / "a", tmp_path / "merged")
    tokens = torch.tensor([encoder_of(str(base)).prompt("text = ")])
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        before = plain(tokens).logits
        adapted = PeftModel.from_pretrained(plain, str(tmp_path / "a"))(tokens).logits
        whole = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)(tokens).logits
    assert not torch.allclose(before, adapted, atol=0.01)
    assert torch.allclose(adapted, whole, atol=1e-5)
    with pytest.raises(UsageError, match="is there already"):
        merge(tmp_path / "a", tmp_path / "merged")


def test_qlora_without_a_gpu_is_refused_with_the_way_out(base: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here, so QLoRA is not refused")
    with pytest.raises(UsageError, match="needs a GPU"):
        losses_of(recipe_for(base, adapter="qlora"), tmp_path / "a")
