"""TRL's SFTTrainer on passes that are laid out already, with logits for the tokens that are learnt alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy
from transformers import TrainerCallback
from trl.trainer.sft_trainer import SFTTrainer

from finetune.training.encoding import IGNORED, Pass
from finetune.training.ranks import any_of_all

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments


def dataset_of(passes: Sequence[Pass]) -> Dataset:
    """The passes as a data set: a row each, with `input_ids`, `labels` and `seq_lengths`."""
    return Dataset.from_dict(
        {
            "input_ids": [each.tokens for each in passes],
            "labels": [each.labels for each in passes],
            "seq_lengths": [each.lengths for each in passes],
        }
    )


class PassCollator:
    """Makes the tensors of a pass."""

    def __init__(self, padding: int, *, packing: bool) -> None:
        """Choose between packing and padding.

        Args:
            padding: Id of the padding token.
            packing: Put all examples into one row, each with positions from 0: transformers then keeps them
                from seeing each other (`masking_utils.find_packed_sequence_indices`; variable-length
                attention on GPUs). Else each has a row of its own, padded on the right.
        """
        self._padding = padding
        self._packing = packing

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Any]:
        """Tensors of shape (1, tokens) where packed, (examples, longest) where padded."""
        lengths = [length for row in rows for length in row["seq_lengths"]]
        tokens = torch.tensor([token for row in rows for token in row["input_ids"]])
        labels = torch.tensor([label for row in rows for label in row["labels"]])
        if self._packing:
            # No attention mask: with one, the borders would not be looked for.
            positions = torch.cat([torch.arange(length) for length in lengths])
            return {"input_ids": tokens[None], "labels": labels[None], "position_ids": positions[None]}
        pieces, learnt = tokens.split(lengths), labels.split(lengths)
        mask = [torch.ones_like(piece) for piece in pieces]
        return {
            "input_ids": self._padded(pieces, self._padding),
            "labels": self._padded(learnt, IGNORED),
            "attention_mask": self._padded(mask, 0),
        }

    @staticmethod
    def _padded(rows: Sequence[torch.Tensor], value: int) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=value)


class ResultTrainer(SFTTrainer):
    """Computes logits where there is a label only.

    Of a vocabulary of 50,000, the logits of prompts take more memory than all else in training a small model,
    and a fifth of the time; the loss is the same without them. (TRL does so too, but on GPUs alone.)
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        """As TRL's."""
        super().__init__(*args, **settings)
        # The loss below is divided by the labels of the whole step already.
        self.model_accepts_loss_kwargs = True

    def _send_telemetry(self) -> None:
        """Tell nobody: TRL would report the machine and the trainer to its hub."""

    def create_model_card(self, *args: Any, **settings: Any) -> None:
        """None for checkpoints; the adapter gets one of ours."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood of the labelled tokens, over all passes of an optimiser step.

        Args:
            model: The model, with its adapter.
            inputs: Tensors of a pass.
            return_outputs: Give the model's outputs too; their logits are those of the learnt positions.
            num_items_in_batch: Labelled tokens of all passes of the step, on all devices.
        """
        given = {name: value for name, value in inputs.items() if name != "labels"}
        following = inputs["labels"][:, 1:]
        learnt = following != IGNORED
        positions = learnt.any(0).nonzero().flatten()
        outputs = model(**given, logits_to_keep=positions, use_cache=False)
        kept = learnt[:, positions]
        loss = cross_entropy(outputs.logits[kept].float(), following[:, positions][kept], reduction="sum")
        count = learnt.sum() if num_items_in_batch is None else num_items_in_batch
        loss = loss / torch.as_tensor(count).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss


class Watching(TrainerCallback):
    """Tells how far a training is, and ends it, with a checkpoint, when asked to."""

    def __init__(
        self,
        on_progress: Callable[[int, float | None, float | None], None],
        on_checkpoint: Callable[[], None],
        stop: Callable[[], bool],
    ) -> None:
        """Take whom to tell, and whom to ask.

        Args:
            on_progress: Told the steps done, the loss of the last one and the last validation's.
            on_checkpoint: Told when one was written.
            stop: Asked after every step, in every process; one of them is enough.
        """
        self._on_progress = on_progress
        self._on_checkpoint = on_checkpoint
        self._stop = stop
        self._losses: tuple[float | None, float | None] = (None, None)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Save and stop if asked to."""
        if any_of_all(self._stop()):
            control.should_save = control.should_training_stop = True
        return control

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Pass on that a checkpoint was written."""
        if state.is_world_process_zero:
            self._on_checkpoint()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Pass on the losses."""
        logs = logs or {}
        loss, validation = self._losses
        self._losses = (logs.get("loss", loss), logs.get("eval_loss", validation))
        if state.is_world_process_zero and "train_runtime" not in logs:
            self._on_progress(state.global_step, *self._losses)
