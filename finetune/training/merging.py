"""An adapter added to the weights of its base."""

from __future__ import annotations

import shutil
from pathlib import Path

from agents.whole_files import whole_folder
from finetune.training.bases import load_base
from finetune.training.models import CARD_FILE, RECIPE_FILE, REPORT_FILE, read_report
from schemas.errors import UsageError


def merge(adapter: Path, into: Path) -> Path:
    """Write the base with the adapter in its weights, as safetensors, with the tokenizer; the folder.

    The recipe, the report and the card of the adapter go with it.

    Args:
        adapter: Folder of an adapter.
        into: Folder that is made.

    Raises:
        UsageError: There is no adapter, or the folder is there already.
        ModelUnavailableError: The base cannot be loaded.
    """
    from peft import PeftModel

    report = read_report(adapter)
    if into.exists():
        raise UsageError(f"{into.as_posix()} is there already.", "Name another folder with --into.")
    base = load_base(report.base, "auto")
    own = base.model.dtype
    # Added in full precision and rounded once, to what the base's weights are kept in.
    model = PeftModel.from_pretrained(base.model.float(), str(adapter)).merge_and_unload()
    with whole_folder(into, "merged model", REPORT_FILE) as made:
        model.to(own).save_pretrained(made)
        base.tokenizer.save_pretrained(made)
        for name in (RECIPE_FILE, REPORT_FILE, CARD_FILE):
            shutil.copyfile(adapter / name, made / name)
    return into
