"""Training an adapter, to be resumed wherever it was stopped, with all that led to it kept beside it."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import logging
import math
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from finetune.training.threads import use_threads  # isort: skip  # before torch, which reads what it sets

import torch

from finetune.examples import ExampleSet
from finetune.training.bases import Base, load_base, load_tokenizer, place_of
from finetune.training.card import model_card
from finetune.training.encoding import Encoder, grouped
from finetune.training.models import (
    CARD_FILE,
    RECIPE_FILE,
    REPORT_FILE,
    Loss,
    Provenance,
    Trained,
    TrainingProgress,
    TrainingReport,
)
from finetune.training.schedule import Schedule, schedule
from schemas.errors import GuidexError, UsageError
from schemas.recipe import AdapterKind, Recipe, TrainingConfig

if TYPE_CHECKING:
    from finetune.training.trainer import ResultTrainer

_WORK = "training"
"""Where checkpoints are while an adapter is trained, beside its folder: `.NAME.training`."""

_BEGUN = "begun.json"
_LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate")


def encoder_of(base: str) -> Encoder:
    """The encoder of a base, without its weights.

    Raises:
        ModelUnavailableError: Its tokenizer cannot be loaded.
    """
    return Encoder(load_tokenizer(place_of(base)))


def train(
    recipe: Recipe,
    examples: ExampleSet,
    folder: Path,
    *,
    provenance: Provenance,
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train an adapter and put it into a folder, or go on where it was stopped or killed.

    Passes are laid out before the first one from the examples, the recipe and their seeds, so a training that
    is resumed from its last checkpoint takes the same steps. The folder is made when all is done, as a whole:
    `adapter_model.safetensors`, `adapter_config.json`, the tokenizer, `recipe.toml`, `training.json` and the
    model card `README.md`. One that is there already, of the same recipe and data, is left as it is.

    Args:
        recipe: All settings.
        examples: What is learnt.
        folder: Of the adapter.
        provenance: Where the data is from.
        on_progress: Told after every step.
        stop: Asked after every step; True saves a checkpoint and ends.

    Raises:
        UsageError: The folder holds something else, or the recipe cannot be carried out on this machine.
        ModelUnavailableError: The base cannot be loaded.
        GuidexError: The training has come to a loss that is no number.
    """
    if (before := _finished(folder, recipe, examples)) is not None:
        return Trained(folder, before, already=True)
    work = folder.with_name(f".{folder.name}.{_WORK}")
    checkpoint, spent = _begin(work, recipe, examples)
    config = recipe.training
    quieten()
    use_threads()
    torch.manual_seed(config.seed)
    base = _load(config)
    plan = schedule(examples, Encoder(base.tokenizer), config)
    started = time.monotonic()

    def tell(step: int, loss: float | None, validation: float | None) -> None:
        if loss is not None and not math.isfinite(loss):
            raise GuidexError(
                f"The loss is {loss} at step {step}.",
                "Lower the learning rate, or train in fp32 (bf16 = false).",
            )
        seconds = time.monotonic() - started
        steps = max(trainer.state.max_steps, 1)
        done, all_of_it = (plan.tokens * (until - first) // steps for until in (step, steps))
        on_progress(TrainingProgress(step, steps, done, all_of_it, seconds, loss, validation))

    trainer = _trainer(base, plan, examples, config, work, tell, stop)
    first = _step_of(checkpoint)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    seconds = spent + time.monotonic() - started
    _note(work, recipe, examples, seconds)
    if trainer.state.global_step < trainer.state.max_steps and stop():
        return Trained(folder, None)
    report = _report(folder.name, recipe, examples, provenance, plan, trainer, base, seconds)
    if trainer.accelerator.is_main_process:
        _put(folder, trainer, base, report)
        shutil.rmtree(work, ignore_errors=True)
    return Trained(folder, report)


def read_report(folder: Path) -> TrainingReport:
    """The report of an adapter.

    Raises:
        UsageError: There is no adapter that GuideX has trained.
    """
    try:
        return TrainingReport.model_validate_json((folder / REPORT_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{folder.as_posix()} is no adapter that GuideX has trained: {REPORT_FILE} cannot be read.",
            "`guidex train` makes one in adapters/ of a run.",
        ) from error


def free_folder(folder: Path, recipe: Recipe, examples: ExampleSet) -> Path:
    """A folder for an adapter: this one, numbered where an adapter of other data or another recipe has it.

    Raises:
        UsageError: What is there is no adapter.
    """
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
    for each in itertools.chain([folder], numbered):
        if not each.exists():
            break
        report = read_report(each)
        if (report.recipe, report.data_hash) == (recipe, examples.data_hash):
            break
    return each


def _finished(folder: Path, recipe: Recipe, examples: ExampleSet) -> TrainingReport | None:
    """The report of an adapter that is there already; None if there is none.

    Raises:
        UsageError: What is there is of another recipe or other data.
    """
    if not folder.exists():
        return None
    report = read_report(folder)
    if (report.recipe, report.data_hash) == (recipe, examples.data_hash):
        return report
    what = "of another recipe" if report.data_hash == examples.data_hash else "trained on other data"
    raise UsageError(
        f"There is an adapter {what} in {folder.as_posix()}.", "Choose another --name, or delete the folder."
    )


def _begin(work: Path, recipe: Recipe, examples: ExampleSet) -> tuple[Path | None, float]:
    """The last checkpoint of a training that was begun, and its seconds; of another one, begin anew."""
    try:
        begun = json.loads((work / _BEGUN).read_text("utf-8"))
    except (OSError, ValueError):
        begun = {}
    if begun.get("fingerprint") != _fingerprint(recipe, examples):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _note(work, recipe, examples, 0.0)
        return None, 0.0
    whole = [path for path in work.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return max(whole, key=_step_of, default=None), float(begun["seconds"])


def _note(work: Path, recipe: Recipe, examples: ExampleSet, seconds: float) -> None:
    noted = {"fingerprint": _fingerprint(recipe, examples), "seconds": seconds}
    (work / _BEGUN).write_text(json.dumps(noted), "utf-8")


def _fingerprint(recipe: Recipe, examples: ExampleSet) -> str:
    return f"{examples.data_hash} {recipe.model_dump_json()}"


def _step_of(checkpoint: Path | None) -> int:
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])


def _load(config: TrainingConfig) -> Base:
    dtype = torch.bfloat16 if computes_in_bf16(config.bf16) else torch.float32
    if config.adapter is not AdapterKind.QLORA:
        return load_base(config.base, dtype)
    if not torch.cuda.is_available():
        raise UsageError(
            "QLoRA needs a GPU with CUDA, for bitsandbytes.",
            'Set `adapter = "lora"`, or train on such a machine.',
        )
    from transformers import BitsAndBytesConfig

    quantized = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return load_base(config.base, dtype, quantization_config=quantized)


def computes_in_bf16(wanted: bool | None) -> bool:
    """Whether to compute in bfloat16: as wanted, else where the device has instructions for it."""
    if wanted is not None:
        return wanted
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Emulated on processors without such instructions, and slow.
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(native())


def _trainer(
    base: Base,
    plan: Schedule,
    examples: ExampleSet,
    config: TrainingConfig,
    work: Path,
    tell: Callable[[int, float | None, float | None], None],
    stop: Callable[[], bool],
) -> ResultTrainer:
    from peft import LoraConfig
    from transformers import EarlyStoppingCallback, PrinterCallback
    from trl.trainer.sft_config import SFTConfig

    from finetune.training.trainer import PassCollator, ResultTrainer, Watching, dataset_of

    held_out = grouped(
        map(Encoder(base.tokenizer).encode, examples.validation),
        config.batch_tokens,
        padded=not config.packing,
    )
    validates = bool(held_out) and config.patience is not None
    devices = int(os.environ.get("WORLD_SIZE", "1"))
    steps = math.ceil(len(plan.passes) / (config.accumulate * devices))
    every = config.eval_steps or max(round(steps / max(4 * plan.epochs, 1)), 1)
    arguments = SFTConfig(
        output_dir=str(work),
        # A row is a whole pass.
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=config.accumulate,
        num_train_epochs=1,
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        activation_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing=False,
        # The base's weights have the type that is computed in; the adapter's stay fp32.
        bf16=False,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps" if validates else "no",
        eval_steps=every if validates else None,
        prediction_loss_only=True,
        save_strategy="steps",
        # Where the best is kept, it must have been saved when it was measured.
        save_steps=every if validates else config.save_steps,
        save_total_limit=2,
        load_best_model_at_end=validates,
        metric_for_best_model="eval_loss" if validates else None,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        seed=config.seed,
        data_seed=config.seed,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    adapter = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=config.targets[0] if config.targets == ("all-linear",) else list(config.targets),
        use_rslora=config.rslora,
        use_dora=config.dora,
        task_type="CAUSAL_LM",
    )
    callbacks: list[Any] = [Watching(tell, stop)]
    if validates:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=config.patience or 1))
    trainer = ResultTrainer(
        model=base.model,
        args=arguments,
        train_dataset=dataset_of(plan.passes),
        eval_dataset=dataset_of(held_out) if validates else None,
        data_collator=PassCollator(base.tokenizer.pad_token_id, packing=config.packing),
        processing_class=base.tokenizer,
        peft_config=adapter,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _report(
    name: str,
    recipe: Recipe,
    examples: ExampleSet,
    provenance: Provenance,
    plan: Schedule,
    trainer: ResultTrainer,
    base: Base,
    seconds: float,
) -> TrainingReport:
    history = trainer.state.log_history
    assert trainer.model is not None
    parameters = [(each.numel(), each.requires_grad) for each in trainer.model.parameters()]
    on_gpu = torch.cuda.is_available()
    return TrainingReport(
        name=name,
        base=base.name,
        recipe=recipe,
        data_hash=examples.data_hash,
        examples=examples.report,
        provenance=provenance,
        steps=trainer.state.global_step,
        steps_planned=trainer.state.max_steps,
        epochs=plan.epochs,
        examples_seen=plan.examples,
        tokens=plan.tokens,
        result_tokens=plan.result_tokens,
        losses=tuple(Loss(step=row["step"], loss=row["loss"]) for row in history if "loss" in row),
        validation=tuple(
            Loss(step=row["step"], loss=row["eval_loss"]) for row in history if "eval_loss" in row
        ),
        trained_parameters=sum(count for count, trained in parameters if trained),
        parameters=sum(count for count, _ in parameters),
        seconds=seconds,
        # Kilobytes, but bytes on macOS.
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
        peak_gpu_memory=torch.cuda.max_memory_allocated() if on_gpu else None,
        device=torch.cuda.get_device_name() if on_gpu else f"{os.cpu_count()} CPUs, {platform.machine()}",
        dtype=str(base.model.dtype).removeprefix("torch."),
        versions={each: importlib.metadata.version(each) for each in _LIBRARIES},
    )


def _put(folder: Path, trainer: ResultTrainer, base: Base, report: TrainingReport) -> None:
    """Write the adapter's folder as a whole."""
    made = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    trainer.accelerator.unwrap_model(trainer.model).save_pretrained(made)
    base.tokenizer.save_pretrained(made)
    recipe = report.recipe.model_dump(mode="json", exclude_none=True)
    (made / RECIPE_FILE).write_text(tomli_w.dumps(recipe), "utf-8")
    (made / REPORT_FILE).write_text(report.model_dump_json(indent=2), "utf-8")
    (made / CARD_FILE).write_text(model_card(report), "utf-8")
    made.rename(folder)


def quieten() -> None:
    """Keep libraries from writing where the progress is shown."""
    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    logging.getLogger("trl").setLevel(logging.ERROR)
