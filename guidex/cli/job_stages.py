"""`guidex run --through`: the stages of a job on the terminal, each told when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from guidex.cli.options import DisplayMode

if TYPE_CHECKING:
    from finetune.evaluation.results import Evaluation
    from finetune.examples import ExampleSet
    from graph.plan import Plan
    from guidex.training import TrainingData
    from schemas.job import Job


class TerminalStages:
    """What the stages of a job do; see `graph.job_graph`.

    Attributes:
        code: Exit code of the command, as far as it has come.
        as_json: Whether what the stages came to is only gathered, to be printed at the end.
        told: What they came to.
    """

    def __init__(
        self, job: Job, folder: Path, toml: str, plan: Plan, display: DisplayMode, *, as_json: bool
    ) -> None:
        """Take what a session takes."""
        from guidex.recipes import load_recipe

        self._job = job
        self._folder = folder
        self._toml = toml
        self._plan = plan
        self._display = display
        self.as_json = as_json
        self._recipe, self._name = load_recipe(None, job)
        self._data: TrainingData | None = None
        self.code = 0
        self.told: dict[str, Any] = {}

    def generate(self) -> bool:
        """Take the documents through the agents."""
        from graph.store.opening import holds_run
        from guidex.cli.display import display_for
        from guidex.cli.session import conduct
        from guidex.cli.summary import print_summary
        from guidex.run_summary import summarise

        display = display_for(self._display)
        self.code = conduct(self._job, self._folder, self._toml, self._plan, display)
        if holds_run(self._folder):
            summary = summarise(self._folder)
            self.told["generate"] = summary.model_dump(mode="json")
            if not self.as_json:
                print_summary(summary, as_json=False)
        return self.code == 0

    def curate(self) -> ExampleSet:
        """Make training examples of what was accepted."""
        from finetune.training.training import encoder_of
        from guidex.cli.training_report import print_examples
        from guidex.training import training_data

        self._heading("Examples")
        self._data = training_data(str(self._folder), self._folder.parent)
        made = self._data.examples(self._recipe, encoder_of(self._recipe.training.base).count)
        self.told["curate"] = made.report.model_dump(mode="json")
        if not self.as_json:
            print_examples(made.report)
        return made

    def fine_tune(self, examples: ExampleSet) -> Path | None:
        """Train an adapter on them."""
        from finetune.training.training import free_folder
        from guidex.cli.driving import INTERRUPTED
        from guidex.cli.train import trained
        from guidex.cli.training_report import print_training

        assert self._data is not None, "examples are curated before"
        self._heading(f"Training {self._recipe.training.base}")
        folder = free_folder(self._data.adapters / self._name, self._recipe, examples)
        done = trained(self._recipe, examples, folder, self._data, self._display)
        if done.report is None:
            self.code = INTERRUPTED
            return None
        self.told["fine-tune"] = done.report.model_dump(mode="json") | {"folder": folder.as_posix()}
        if not self.as_json:
            print_training(done.report)
            typer.echo(folder.as_posix())
        return folder

    def evaluate(self, adapter: Path) -> Evaluation | None:
        """Measure the base with and without the adapter."""
        from guidex.cli.driving import INTERRUPTED
        from guidex.cli.eval import evaluated
        from guidex.cli.evaluation_report import print_evaluation
        from guidex.evaluation import Contender, contender_of

        self._heading("Evaluation")
        with_adapter = contender_of(adapter)
        base = Contender(with_adapter.base, with_adapter.base, flavour=with_adapter.flavour)
        folder = self._folder / "evals" / adapter.name
        config = self._job.evaluation
        made = evaluated([base, with_adapter], config, folder, self._display, seed=self._job.seed)
        if made is None:
            self.code = INTERRUPTED
            return None
        self.told["evaluate"] = made.model_dump(mode="json")
        if not self.as_json:
            print_evaluation(made)
        return made

    def _heading(self, text: str) -> None:
        if not self.as_json:
            typer.echo(f"\n{text}\n{'-' * len(text)}")
