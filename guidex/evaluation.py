"""Evaluating models side by side: what is asked, of whom, and where it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agents.whole_files import whole_file
from finetune.evaluation.benchmarks import read_benchmark
from finetune.evaluation.evaluating import Asked, ask
from finetune.evaluation.results import Evaluation, ScoredModel, evaluate_scores
from finetune.training.models import read_report
from guidex.evaluation_chart import evaluation_chart
from schemas.dialect import Flavour
from schemas.errors import UsageError
from schemas.evaluation import EvaluationConfig
from schemas.job import ModelConfig

if TYPE_CHECKING:
    from finetune.evaluation.answers import Predictor

RESULT_FILE = "result.json"
CHART_FILE = "chart.svg"


class Contender(NamedTuple):
    """A model that takes part.

    Attributes:
        name: Among those that are compared.
        base: As in recipes.
        adapter: Folder of its adapter.
        flavour: Form of the code in which it is asked.
        trained_on: Classes that training knew; None where nothing is known of it.
        client: How it is asked through a client instead; None for a model that transformers runs.
    """

    name: str
    base: str
    adapter: Path | None = None
    flavour: Flavour = Flavour.GOLLIE
    trained_on: tuple[str, ...] | None = None
    client: ModelConfig | None = None


def contender_of(adapter: Path) -> Contender:
    """The base of an adapter with it, as its report says.

    Raises:
        UsageError: The folder holds no adapter that GuideX has trained.
    """
    report = read_report(adapter)
    return Contender(
        name=adapter.resolve().name,
        base=report.base,
        adapter=adapter,
        flavour=report.recipe.examples.flavour,
        trained_on=tuple(report.examples.classes),
    )


def evaluate(
    contenders: Sequence[Contender],
    config: EvaluationConfig,
    folder: Path,
    *,
    seed: int = 0,
    level: float = 0.95,
    samples: int = 1000,
    on_progress: Callable[[Asked], None] = lambda asked: None,
    stop: Callable[[], bool] = lambda: False,
) -> Evaluation | None:
    """Ask each model about a benchmark and compare them; the result is kept as `result.json`, with a chart.

    Answers are kept in the folder as they come, and those that are there are not asked for again.

    Args:
        contenders: The models.
        config: The benchmark.
        folder: Where answers and result are kept.
        seed: Of the draw of sentences, and of the resamples.
        level: Of the intervals.
        samples: Bootstrap resamples.
        on_progress: Told after every answer.
        stop: Asked after every answer; True ends, and None is returned.

    Raises:
        UsageError: There is no such benchmark, or two models have one name.
        ModelUnavailableError: A model cannot be loaded.
        StoreError: The folder cannot be written.
    """
    names = [each.name for each in contenders]
    if len(set(names)) < len(names):
        raise UsageError(f"Two models are called {_twice(names)}.", "Rename the folder of one of them.")
    benchmark = read_benchmark(config, seed)
    scored = []
    for each in contenders:
        answers = ask(
            each.name,
            _loader(each),
            _identity(each),
            benchmark,
            folder,
            flavour=each.flavour,
            max_tokens=config.max_tokens,
            on_progress=on_progress,
            stop=stop,
        )
        if answers is None:
            return None
        adapter = None if each.adapter is None else each.adapter.resolve().name
        scored.append(ScoredModel(each.name, answers, each.trained_on, adapter))
    about = benchmark.about | {"answers": f"greedy, at most {config.max_tokens} tokens"}
    made = evaluate_scores(benchmark, scored, about=about, level=level, samples=samples, seed=seed)
    with whole_file(folder / RESULT_FILE, "result") as file:
        file.write(made.model_dump_json(indent=1).encode())
    with whole_file(folder / CHART_FILE, "chart") as file:
        file.write(evaluation_chart(made, standalone=True).encode())
    return made


def _twice(names: Sequence[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _loader(contender: Contender) -> Callable[[], Predictor]:
    def load() -> Predictor:
        if contender.client is not None:
            from finetune.evaluation.client_predictor import ClientPredictor

            return ClientPredictor(contender.client)
        from guidex.cli.extras import training_extra

        with training_extra():
            from finetune.evaluation.transformers_predictor import TransformersPredictor
        return TransformersPredictor(contender.base, contender.adapter)

    return load


def _identity(contender: Contender) -> str:
    """What answers depend on; of an adapter, its weights."""
    if contender.client is not None:
        from finetune.evaluation.client_predictor import client_identity

        return client_identity(contender.client)
    if contender.adapter is None:
        return contender.base
    weights = (contender.adapter / "adapter_model.safetensors").read_bytes()
    return f"{contender.base} {hashlib.sha256(weights).hexdigest()}"
