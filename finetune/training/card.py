"""The model card of an adapter, in the form that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from finetune.training.models import TrainingReport
from schemas.markdown import plain


def model_card(report: TrainingReport) -> str:
    """What was trained on what, with its limits, as Markdown with YAML front matter.

    Args:
        report: Of the training.
    """
    return "\n".join(_lines(report)) + "\n"


def _lines(report: TrainingReport) -> Iterator[str]:
    recipe, data, made = report.recipe, report.provenance, report.examples
    yield "---"
    yield "library_name: peft"
    yield f"base_model: {json.dumps(report.base)}"
    yield "tags: [information-extraction, guidex, lora]"
    yield "---"
    yield ""
    yield f"# {plain(report.name)}"
    yield ""
    yield (
        f"A LoRA adapter for `{plain(report.base)}`, trained by GuideX to extract what "
        "annotation guidelines describe. It is asked with code that ends in `result =` and answers with a "
        "list of instances."
    )
    yield ""
    yield "## Data"
    yield ""
    which = f", {data.which} documents" if data.which else ""
    version = f", version {data.decision_version} of its decisions" if data.decision_version else ""
    yield f"- From `{plain(data.data)}`{which}{version}."
    if data.thresholds:
        shown = ", ".join(f"{name} {value}" for name, value in data.thresholds.items() if value)
        yield f"- Accepted at {shown or 'no threshold'}."
    if data.models:
        yield f"- Annotated by {', '.join(f'`{plain(name)}`' for name in data.models)}, not by people."
    if data.gold:
        yield f"- Mixed with annotations by people: {', '.join(f'`{plain(file)}`' for file in data.gold)}."
    yield (
        f"- {made.training} examples, {made.empty} of them without an instance, {made.instances} instances "
        f"of {len(made.classes)} classes; SHA-256 {report.data_hash}."
    )
    if made.blocked:
        yield f"- Classes left out: {', '.join(map(plain, made.blocked))}."
    for licence, count in made.licences.items():
        yield f"- Licence of {count} texts: {plain(licence)}."
    yield ""
    yield "## Training"
    yield ""
    training = recipe.training
    yield (
        f"- {training.adapter.value}, rank {training.rank}, alpha {training.alpha:g}, learning "
        f"rate {training.learning_rate:g} ({plain(training.schedule)}), seed {training.seed}; all settings "
        "are in `recipe.toml`."
    )
    yield (
        f"- {report.steps} steps, {report.tokens:,} tokens, {report.result_tokens:,} of them learnt from, in "
        f"{report.seconds / 60:.0f} minutes on {plain(report.device)} in {report.dtype}."
    )
    if report.losses:
        yield f"- Loss from {report.losses[0].loss:.3f} to {report.losses[-1].loss:.3f}."
    yield ""
    yield "## Limits"
    yield ""
    yield (
        "What a model annotated is as wrong as that model was; the thresholds above say what was let "
        "through. Nothing here says how well the adapter works: `guidex eval` measures that, on texts "
        "and classes of your own. Who publishes it must keep to the licences of the base and of the texts."
    )
