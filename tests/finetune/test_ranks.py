"""Two processes that train together on this machine's processors, as torchrun and accelerate start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.finetune.tiny_models import tiny_model

pytest.importorskip("torch")

SCRIPT = """
import json, os, sys
from pathlib import Path
from tests.finetune.test_training import PROVENANCE, examples_for, recipe_for, train
rank, asked, told = int(os.environ["RANK"]), [], []
def stop():
    asked.append(1)
    return sys.argv[3] == "stop" and rank == 1 and len(asked) >= 2
recipe = recipe_for(Path(sys.argv[1]))
done = train(recipe, examples_for(recipe), Path(sys.argv[2]), provenance=PROVENANCE, stop=stop,
             on_progress=lambda now: told.append(now.step))
report = done.report and [done.report.steps, done.report.tokens]
Path(f"{sys.argv[2]}.{sys.argv[3]}.{rank}.json").write_text(json.dumps([told, report]))
"""


@pytest.mark.slow
def test_they_take_the_same_steps_stop_together_and_one_writes(tmp_path: Path) -> None:
    base, adapter = tiny_model(tmp_path / "base"), tmp_path / "made" / "adapter"
    (tmp_path / "script.py").write_text(SCRIPT)
    root = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    for told in ("stop", "go-on"):
        launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
        subprocess.run(
            [*launch, str(tmp_path / "script.py"), str(base), str(adapter), told],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONPATH": path, "GUIDEX_THREADS": "1"},
        )
        assert adapter.is_dir() == (told == "go-on")
    read = {
        (told, rank): json.loads((adapter.parent / f"adapter.{told}.{rank}.json").read_text())
        for told in ("stop", "go-on")
        for rank in (0, 1)
    }
    assert read["stop", 0] == [[1, 2], None] and read["stop", 1] == [[], None], "one of them asked to stop"
    steps, tokens = read["go-on", 0][1]
    assert read["go-on", 0][0] == list(range(3, steps + 1)), "what was trained is not trained again"
    assert read["go-on", 1] == [[], [steps, tokens]]
