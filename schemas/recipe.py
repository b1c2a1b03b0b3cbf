"""The recipe: how accepted annotations become training examples, and how a model is trained on them.

A recipe is a TOML file with the tables `[examples]` and `[training]`. It is kept beside the adapter.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Model
from schemas.dialect import Flavour


class ExamplesConfig(Model):
    """Training examples: what is taken, and GoLLIE's regularisers (2310.03668, section 3.1)."""

    flavour: Flavour = Field(
        default=Flavour.GOLLIE, description="Form of the code; an adapter is asked in the form it has learnt."
    )
    passage_chars: int | None = Field(
        default=None,
        ge=40,
        description="Longest text of an example in characters; longer documents are split at sentences, and "
        "an annotated phrase is never cut. Default: whole documents.",
    )
    empty: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Most examples without any instance, as a share of all. They are negatives, and many.",
    )
    shuffle: bool = Field(default=True, description="Put the classes of an example in a random order.")
    class_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Chance of each class to be left out, with its instances; one class always stays.",
    )
    masked: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the examples whose class names all become LABEL_1, LABEL_2, ..., each its own.",
    )
    paraphrases: bool = Field(
        default=True, description="Draw one of a class's definitions, where different documents gave several."
    )
    candidates: int = Field(
        default=0, ge=0, le=50, description="Most phrases of other documents a class shows as `Such as`."
    )
    negatives: int = Field(
        default=0,
        ge=0,
        le=50,
        description="Classes added to an example from other documents' schemas, of which its text has no "
        "mention, as far as can be checked.",
    )
    max_tokens: int = Field(
        default=2048,
        ge=64,
        description="Longest example in tokens, prompt and result; longer ones are left out and counted.",
    )
    duplicates: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Estimated Jaccard similarity (MinHash of word 5-grams) from which the later "
        "of two texts is left out; 1: only equal texts.",
    )
    validation: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the documents held out for the loss that stops training early. Documents, so "
        "that no text is on both sides.",
    )
    gold_share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of gold examples (`--gold FILE`) among all of an epoch, by repetition of the "
        "smaller part. Default: each once.",
    )


class AdapterKind(StrEnum):
    """What is trained."""

    LORA = "lora"
    QLORA = "qlora"


class TrainingConfig(Model):
    """LoRA training of a causal language model on the results of examples."""

    base: str = Field(
        default="local/smollm2-135m",
        description="Model to train: a name on the model hub, a folder, a .gguf file, or `local/NAME` as in "
        "jobs.",
    )
    adapter: AdapterKind = Field(
        default=AdapterKind.LORA, description="lora, or qlora: the base in 4 bits, which needs CUDA."
    )
    rank: int = Field(default=16, ge=1, le=1024, description="Rank of the adapter's matrices.")
    alpha: int = Field(default=32, ge=1, description="Scale of the adapter: alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the adapter's matrices.")
    targets: tuple[str, ...] = Field(
        default=("all-linear",), min_length=1, description="Modules that are adapted, or `all-linear`."
    )
    rslora: bool = Field(default=False, description="Scale by alpha / sqrt(rank) (rank-stabilised LoRA).")
    dora: bool = Field(default=False, description="Split weights in magnitude and direction (DoRA).")
    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="Highest learning rate (AdamW).")
    schedule: str = Field(
        default="cosine", description="Course of the learning rate, as transformers names it."
    )
    warmup: float = Field(default=0.1, ge=0, lt=1, description="Share of the steps with a rising rate.")
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's weight decay.")
    max_grad_norm: float = Field(default=1.0, gt=0, description="Gradients are clipped to this norm.")
    batch_tokens: int = Field(
        default=4096,
        ge=64,
        description="Most tokens of one pass through the model; whole examples are packed up to it, and none "
        "sees another.",
    )
    accumulate: int = Field(default=1, ge=1, description="Passes to an optimiser step, on each device.")
    epochs: float = Field(
        default=3, gt=0, description="Passes over the examples, regularised anew each time."
    )
    token_budget: int | None = Field(
        default=None,
        ge=1,
        description="Stop after about so many trained tokens, prompt and result, whatever the epochs: arms "
        "of an experiment are matched by it. The data are repeated as often as it takes.",
    )
    packing: bool = Field(default=True, description="Pack examples into full passes; else pad them.")
    gradient_checkpointing: bool = Field(
        default=False, description="Compute activations again for less memory."
    )
    bf16: bool | None = Field(
        default=None,
        description="Compute in bfloat16; default: where the device has it. Adapter and optimiser are fp32.",
    )
    eval_steps: int | None = Field(
        default=None, ge=1, description="Steps between validations; default: four times an epoch."
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after so many validations without a better loss; the best is kept.",
    )
    save_steps: int = Field(default=50, ge=1, description="Steps between checkpoints, from which is resumed.")
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="Seed of the examples, the adapter and their order."
    )


class Recipe(Model):
    """All that decides what is trained on given data."""

    examples: ExamplesConfig = Field(default_factory=ExamplesConfig, description="Training examples.")
    training: TrainingConfig = Field(default_factory=TrainingConfig, description="Training.")
