"""The models that adapters are trained on, and asked with: of a hub, a folder, or a GGUF file."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.llm.embedded import REGISTRY, Progress, file_sha256, models_folder, resolve_gguf
from schemas.errors import ModelUnavailableError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Base:
    """A model and its tokenizer.

    Attributes:
        name: As it was asked for.
        model: The model, in evaluation mode.
        tokenizer: Its tokenizer, which has an end-of-sequence and a padding token.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase


def is_gguf(name: str) -> bool:
    """Whether a name stands for a GGUF file: its path, an embedded model, or `local/...`."""
    return name.lower().endswith(".gguf") or name.removeprefix("local/") in REGISTRY


def place_of(name: str, progress: Progress | None = None) -> str:
    """What transformers loads a base from; an embedded model is fetched, a GGUF file converted once.

    Args:
        name: A name on the model hub, a folder, a `.gguf` file, or `local/NAME` as in jobs.
        progress: Told how far a download is.

    Raises:
        ModelUnavailableError: A file does not exist, or cannot be fetched or converted.
    """
    if is_gguf(name):
        return str(_from_gguf(resolve_gguf(name, progress)))
    if Path(name).is_dir():
        return str(Path(name).resolve())
    if name.startswith(("local/", ".", "/", "~")) or name.count("/") > 1:
        raise ModelUnavailableError(
            f"There is no model `{name}`.", "Give a folder, a .gguf file or a hub name."
        )
    return name


def load_tokenizer(place: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a base.

    Raises:
        ModelUnavailableError: It cannot be loaded, or has no end-of-sequence token.
    """
    from transformers import AutoTokenizer

    with _explained(place):
        tokenizer: Any = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    if tokenizer.eos_token_id is None:
        raise ModelUnavailableError(f"The tokenizer of {place} has no end-of-sequence token.", "Use another.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer  # type: ignore[no-any-return]


def load_base(name: str, dtype: Any, progress: Progress | None = None, **settings: Any) -> Base:
    """Load a base with its tokenizer.

    Args:
        name: See `place_of`.
        dtype: Of the weights, a torch dtype.
        progress: Told how far a download is.
        settings: Passed on to transformers, such as a quantization.

    Raises:
        ModelUnavailableError: It cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    place = place_of(name, progress)
    tokenizer = load_tokenizer(place)
    with _explained(place):
        model = AutoModelForCausalLM.from_pretrained(
            place, dtype=dtype, trust_remote_code=False, use_safetensors=True, **settings
        )
    return Base(name, model, tokenizer)


def attention_for(dtype: torch.dtype) -> dict[str, Any]:
    """Settings of `load_base` for FlashAttention, where it is installed; else none.

    It works on each packed example alone, and needs no mask.
    """
    import torch
    from transformers.utils.import_utils import is_flash_attn_2_available

    if dtype is torch.bfloat16 and torch.cuda.is_available() and is_flash_attn_2_available():
        return {"attn_implementation": "flash_attention_2"}
    return {}


def _from_gguf(path: Path) -> Path:
    """The folder with the weights of a GGUF file as safetensors, made on first use.

    transformers loads such a file as a quantized model, which can be neither trained nor saved; its weights,
    put into an unquantized one, can.
    """
    folder = models_folder() / "dequantized" / f"{path.stem}-{file_sha256(path)[:16]}"
    if folder.is_dir():
        return folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as workspace, _explained(str(path)):
        given = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        loaded = AutoModelForCausalLM.from_pretrained(**given, dtype=torch.float32)
        plain = AutoModelForCausalLM.from_config(loaded.config, dtype=torch.float32)
        plain.load_state_dict(loaded.state_dict())
        if hasattr(plain.config, "quantization_config"):
            del plain.config.quantization_config
        made = Path(workspace) / "model"
        # Two bytes are plenty for weights that had half of one.
        plain.to(torch.bfloat16).save_pretrained(made)
        AutoTokenizer.from_pretrained(**given).save_pretrained(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process may have been faster
                raise
            shutil.rmtree(made)
    return folder


@contextlib.contextmanager
def _explained(place: str) -> Iterator[None]:
    """Errors of loading a model as errors with a remedy."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().partition("\n")[0][:200]
        raise ModelUnavailableError(
            f"The model {place} cannot be loaded: {first}",
            "Check the name; without a connection to the model hub, give a folder or a .gguf file.",
        ) from error
