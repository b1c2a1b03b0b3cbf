"""Training an adapter, to be resumed wherever it was stopped, with all that led to it kept beside it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import itertools
import logging
import math
import os
import platform
import resource
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from finetune.training.threads import use_threads  # isort: skip  # before torch, which reads what it sets

import torch

from agents.whole_files import whole_folder
from finetune.examples import ExampleSet
from finetune.training import ranks
from finetune.training.bases import Base, attention_for, load_base, load_tokenizer, place_of
from finetune.training.card import model_card
from finetune.training.checkpoints import Work, begin, is_of_another, work_folder
from finetune.training.encoding import Encoder, Pass, grouped
from finetune.training.models import (
    CARD_FILE,
    RECIPE_FILE,
    REPORT_FILE,
    Loss,
    Provenance,
    Trained,
    TrainingProgress,
    TrainingReport,
    read_report,
)
from finetune.training.schedule import Schedule, schedule
from schemas.errors import GuidexError, UsageError
from schemas.recipe import AdapterKind, Recipe, TrainingConfig

if TYPE_CHECKING:
    from finetune.training.trainer import ResultTrainer, Watching

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
    fresh: bool = False,
) -> Trained:
    """Train an adapter and put it into a folder, or go on where it was stopped or killed.

    Passes are laid out before the first one from the examples, the recipe and their seeds, so a training that
    is resumed from its last checkpoint takes the same steps. The folder is made when all is done, as a whole:
    `adapter_model.safetensors`, `adapter_config.json`, the tokenizer, `recipe.toml`, `training.json` and the
    model card `README.md`. One that is there already, of the same recipe and data, is left as it is.

    Started by `accelerate launch`, one process for each device, all call this; the first writes and speaks.

    Args:
        recipe: All settings.
        examples: What is learnt.
        folder: Of the adapter.
        provenance: Where the data is from.
        on_progress: Told after every step.
        stop: Asked after every step; True saves a checkpoint and ends.
        fresh: Begin anew; what was begun or trained under this name before is thrown away.

    Raises:
        UsageError: The folder holds something else, a training of something else was begun, or the recipe
            cannot be carried out on this machine.
        ModelUnavailableError: The base cannot be loaded.
        GuidexError: The training has come to a loss that is no number.
    """
    if not fresh and (before := _finished(folder, recipe, examples)) is not None:
        return Trained(folder, before, already=True)
    if fresh and folder.exists():
        read_report(folder)  # a folder of something else is not thrown away
    if fresh and ranks.rank() == 0:
        shutil.rmtree(work_folder(folder), ignore_errors=True)
    work = begin(folder, recipe, examples, writes=ranks.rank() == 0)
    config = recipe.training
    quieten()
    use_threads()
    from finetune.training.trainer import Watching

    torch.manual_seed(config.seed)
    base = _load(config)
    encoder = Encoder(base.tokenizer)
    plan = schedule(examples, encoder, config)
    held_out = grouped(
        map(encoder.encode, examples.validation), config.batch_tokens, padded=not config.packing
    )
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

    def spent() -> float:
        return work.seconds + time.monotonic() - started

    watching = Watching(tell, lambda: work.note(spent()), stop)
    trainer = _trainer(base, plan, held_out, config, work, watching)
    first = work.step
    with _explained():
        trainer.train(resume_from_checkpoint=None if work.checkpoint is None else str(work.checkpoint))
    if trainer.state.global_step < trainer.state.max_steps and ranks.any_of_all(stop()):
        return Trained(folder, None)
    report = _report(folder.name, recipe, examples, provenance, plan, trainer, base, spent())
    if ranks.rank() == 0:
        _put(folder, trainer, base, report)
        shutil.rmtree(work.folder, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    return Trained(folder, report)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Too little memory on a GPU as an error with a remedy."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GuidexError(
            "The GPU has too little memory for this recipe.",
            "Lower training.batch_tokens, or set training.gradient_checkpointing; the same command goes on.",
        ) from error


def free_folder(folder: Path, recipe: Recipe, examples: ExampleSet) -> Path:
    """A folder for an adapter: this one, numbered where an adapter of other data or another recipe has it.

    Raises:
        UsageError: What is there is no adapter.
    """
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
    for each in itertools.chain([folder], numbered):
        if each.exists():
            if read_report(each).is_of(recipe, examples.data_hash):
                break
        elif not is_of_another(each, recipe, examples):
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
    if report.is_of(recipe, examples.data_hash):
        return report
    what = "of another recipe" if report.data_hash == examples.data_hash else "trained on other data"
    raise UsageError(
        f"There is an adapter {what} in {folder.as_posix()}.", "Choose another --name, or delete the folder."
    )


def _load(config: TrainingConfig) -> Base:
    dtype = torch.bfloat16 if computes_in_bf16(config.bf16) else torch.float32
    if config.adapter is not AdapterKind.QLORA:
        return load_base(config.base, dtype, **attention_for(dtype))
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
    return load_base(
        config.base,
        dtype,
        quantization_config=quantized,
        device_map={"": ranks.device()},
        **attention_for(dtype),
    )


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
    held_out: Sequence[Pass],
    config: TrainingConfig,
    work: Work,
    watching: Watching,
) -> ResultTrainer:
    from peft import LoraConfig
    from transformers import EarlyStoppingCallback, PrinterCallback
    from trl.trainer.sft_config import SFTConfig

    from finetune.training.trainer import PassCollator, ResultTrainer, dataset_of

    validates = bool(held_out)
    keeps_best = validates and config.patience is not None
    steps = math.ceil(len(plan.passes) / (config.accumulate * ranks.count()))
    every = config.eval_steps or max(round(steps / max(4 * plan.epochs, 1)), 1)
    arguments = SFTConfig(
        output_dir=str(work.folder),
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
        # The base's weights have this type too. The adapter's are fp32, but not products with them.
        bf16=base.model.dtype is torch.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps" if validates else "no",
        eval_steps=every if validates else None,
        prediction_loss_only=True,
        save_strategy="steps",
        # Where the best is kept, it must have been saved when it was measured.
        save_steps=every if keeps_best else config.save_steps,
        save_total_limit=2,
        load_best_model_at_end=keeps_best,
        metric_for_best_model="eval_loss" if keeps_best else None,
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
    callbacks: list[Any] = [watching]
    if keeps_best:
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
    passes = trainer.state.global_step * recipe.training.accumulate * ranks.count()
    done = plan.until(passes)
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
        epochs=done.epochs,
        examples_seen=done.examples,
        tokens=done.tokens,
        result_tokens=done.result_tokens,
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
    with whole_folder(folder, "adapter", REPORT_FILE) as made:
        trainer.accelerator.unwrap_model(trainer.model).save_pretrained(made)
        base.tokenizer.save_pretrained(made)
        recipe = report.recipe.model_dump(mode="json", exclude_none=True)
        (made / RECIPE_FILE).write_text(tomli_w.dumps(recipe), "utf-8")
        (made / REPORT_FILE).write_text(report.model_dump_json(indent=2), "utf-8")
        (made / CARD_FILE).write_text(model_card(report), "utf-8")


def quieten() -> None:
    """Keep libraries from writing where the progress is shown."""
    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    logging.getLogger("trl").setLevel(logging.ERROR)
    # TRL and PEFT still ask transformers by an old name.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
