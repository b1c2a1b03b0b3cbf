"""Models asked through transformers, with an adapter or without: greedy, in batches, on a shared beginning.

Prompts of one schema differ in their last tokens only. What the schema leaves in the model's cache is worked
out once and serves every sentence (on a processor, five of six tokens of a prompt).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.training.threads import use_threads  # isort: skip  # before torch, which reads what it sets

import torch

from finetune.evaluation.answers import Answer, Ending
from finetune.training.bases import Base, load_base
from finetune.training.encoding import Encoder
from finetune.training.models import read_report
from finetune.training.training import computes_in_bf16, quieten

_BATCH = 16


class TransformersPredictor:
    """A causal language model with its tokenizer."""

    def __init__(
        self, base: str, adapter: Path | None = None, *, batch: int = _BATCH, share: bool = True
    ) -> None:
        """Load the model.

        Args:
            base: As in recipes; see `finetune.training.bases`.
            adapter: Folder of an adapter that was trained on it.
            batch: Sentences that are asked together.
            share: Work out the common beginning of prompts once.

        Raises:
            ModelUnavailableError: The model cannot be loaded.
            UsageError: The folder holds no adapter.
        """
        quieten()
        use_threads()
        self._batch = batch
        self._share = share
        dtype = torch.bfloat16 if computes_in_bf16(None) else torch.float32
        loaded = load_base(base, dtype)
        if adapter is not None:
            loaded = _with_adapter(loaded, adapter)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = loaded.model.to(self._device).eval()  # type: ignore[arg-type]
        self._tokenizer = loaded.tokenizer
        self._encoder = Encoder(loaded.tokenizer)
        self._end = loaded.tokenizer.eos_token_id

    def answers(self, prompts: Sequence[str], max_tokens: int) -> Iterator[tuple[int, Answer]]:
        """Ask prompts; see `finetune.evaluation.answers.Predictor`."""
        tokens = [self._encoder.prompt(prompt) for prompt in prompts]
        shared = _common(tokens) if self._share and len(tokens) > 1 else 0
        beginning = self._beginning(tokens[0][:shared]) if shared else None
        # Of like length together, so that little is padded.
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        for start in range(0, len(order), self._batch):
            places = order[start : start + self._batch]
            rests = [tokens[place][shared:] for place in places]
            yield from zip(places, self._asked(beginning, shared, rests, max_tokens), strict=True)

    @torch.inference_mode()
    def _beginning(self, tokens: Sequence[int]) -> Any:
        """What the model keeps of the common beginning, for one sentence."""
        given = torch.tensor([tokens], device=self._device)
        return self._model(input_ids=given, use_cache=True, logits_to_keep=1).past_key_values

    @torch.inference_mode()
    def _asked(
        self, beginning: Any, shared: int, rests: Sequence[Sequence[int]], max_tokens: int
    ) -> list[Answer]:
        """Go on from the beginning with each rest, always with the likeliest token."""
        count, longest = len(rests), max(map(len, rests))
        ids = torch.full((count, longest), self._tokenizer.pad_token_id)
        mask = torch.zeros((count, shared + longest), dtype=torch.long)
        mask[:, :shared] = 1
        for row, rest in enumerate(rests):
            ids[row, longest - len(rest) :] = torch.tensor(rest)
            mask[row, shared + longest - len(rest) :] = 1
        ids, mask = ids.to(self._device), mask.to(self._device)
        cache = copy.deepcopy(beginning) if beginning is not None else None
        if cache is not None and count > 1:
            cache.batch_repeat_interleave(count)
        written: list[list[int]] = [[] for _ in rests]
        texts, endings = [""] * count, [Ending() for _ in rests]
        rows = list(range(count))
        closed: set[int] = set()
        for _ in range(max_tokens):
            positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            made = self._model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                cache=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache, following = made.past_key_values, made.logits[:, -1].argmax(-1)
            going = []
            for place, (row, token) in enumerate(zip(rows, following.tolist(), strict=True)):
                if token == self._end:
                    closed.add(row)
                    continue
                written[row].append(token)
                before, texts[row] = texts[row], str(self._tokenizer.decode(written[row]))
                if endings[row].reached(texts[row][len(before) :]):
                    closed.add(row)
                else:
                    going.append(place)
            if not going:
                break
            ids = following[going, None]
            if len(going) < len(rows):
                kept = torch.tensor(going, device=self._device)
                cache.batch_select_indices(kept)
                mask, rows = mask[kept], [rows[place] for place in going]
            mask = torch.cat([mask, mask.new_ones((len(rows), 1))], dim=1)
        return [Answer(texts[row], row not in closed, len(written[row])) for row in range(count)]


def _with_adapter(base: Base, adapter: Path) -> Base:
    from peft import PeftModel

    read_report(adapter)
    model = PeftModel.from_pretrained(base.model, str(adapter)).merge_and_unload()
    return Base(base.name, model, base.tokenizer)


def _common(tokens: Sequence[list[int]]) -> int:
    """How many tokens all have in common at their beginning, leaving each at least one of its own."""
    first, last = min(tokens), max(tokens)
    most = min(map(len, tokens)) - 1
    return next((place for place in range(most) if first[place] != last[place]), max(most, 0))
