"""Names of classes as vectors: the mean of a model's token embeddings, which needs no further model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finetune.training.bases import load_base

if TYPE_CHECKING:
    from numpy import ndarray

    from finetune.examples.names import Embed

NEAR = 0.55
"""From here on names are taken for near, by the cosine. With SmolLM2-135M `city` and `town` have 0.63,
`writer` and `author` 0.60, `city` and `country` 0.42, `person` and `city` 0.18."""


def name_embeddings(base: str) -> Embed:
    """What embeds names by the token embeddings of a base.

    Args:
        base: See `finetune.training.bases.place_of`.

    Raises:
        ModelUnavailableError: It cannot be loaded.
    """
    import torch

    from finetune.training.training import quieten

    quieten()
    loaded = load_base(base, torch.float32)
    embeddings: Any = loaded.model.get_input_embeddings()
    table, tokenizer = embeddings.weight.detach(), loaded.tokenizer

    def embed(names: Sequence[str]) -> ndarray:
        # As a word within a text, which most tokenizers tell from one at its beginning.
        tokens = [tokenizer(f" {name}", add_special_tokens=False)["input_ids"] for name in names]
        vectors = [table[each].mean(0) if each else table.new_zeros(table.shape[1]) for each in tokens]
        found: ndarray = torch.stack(vectors).numpy()
        return found

    return embed
