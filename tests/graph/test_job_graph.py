"""The stages of a job: in order, as far as asked, and no further than one that gave nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from graph.job_graph import Stage, mermaid, run_job


class Told:
    """Stages that write down when they are called, and with what."""

    def __init__(self, nothing_from: Stage | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._nothing_from = nothing_from

    def _gave(self, stage: Stage, what: object, *given: object) -> Any:
        self.calls.append((stage, *given))
        return None if stage is self._nothing_from else what

    def generate(self) -> bool:
        return bool(self._gave(Stage.GENERATE, True))

    def curate(self) -> Any:
        return self._gave(Stage.CURATE, ["an example"])

    def fine_tune(self, examples: Any) -> Path | None:
        return cast("Path | None", self._gave(Stage.FINE_TUNE, Path("adapter"), examples))

    def evaluate(self, adapter: Path) -> Any:
        return self._gave(Stage.EVALUATE, "an evaluation", adapter)


ALL = [
    (Stage.GENERATE,),
    (Stage.CURATE,),
    (Stage.FINE_TUNE, ["an example"]),
    (Stage.EVALUATE, Path("adapter")),
]


@pytest.mark.parametrize("through", list(Stage))
def test_each_stage_gets_what_the_one_before_gave_up_to_the_last(through: Stage) -> None:
    stages = Told()
    done = run_job(stages, through)
    count = list(Stage).index(through) + 1
    assert stages.calls == ALL[:count]
    assert len(done) == count


@pytest.mark.parametrize("ending", list(Stage))
def test_a_stage_that_gives_nothing_ends_the_job(ending: Stage) -> None:
    stages = Told(nothing_from=ending)
    run_job(stages, Stage.EVALUATE)
    assert stages.calls == ALL[: list(Stage).index(ending) + 1]


def test_an_error_of_a_stage_comes_out_as_it_is() -> None:
    class Broken(Told):
        def curate(self) -> Any:
            raise LookupError("nothing was accepted")

    with pytest.raises(LookupError, match="nothing was accepted"):
        run_job(Broken(), Stage.EVALUATE)


def test_it_draws_itself() -> None:
    drawing = mermaid()
    assert all(f"{stage.value}({stage.value})" in drawing for stage in Stage)
    assert "evaluate" not in mermaid(Stage.FINE_TUNE)
