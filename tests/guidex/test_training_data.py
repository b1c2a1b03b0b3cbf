"""What is trained on, with all that it is from."""

from __future__ import annotations

import json
from pathlib import Path

from guidex.training import training_data

ROW = {
    "id": "d",
    "text": "Ann slept.",
    "schema": [{"name": "Person"}],
    "instances": [],
    "unknown_classes": [],
}
GOLD = {"text": "Bob ate.", "entities": [{"start": 0, "end": 3, "label": "Person"}]}


def test_gold_that_is_mixed_in_is_told_by_the_names_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    (tmp_path / "people.jsonl").write_text(json.dumps(GOLD) + "\n")
    data = training_data(str(tmp_path / "rows.jsonl"), tmp_path, gold=[tmp_path / "people.jsonl"])
    assert [one.text for one in data.gold] == ["Bob ate."]
    assert (data.provenance.data, data.provenance.gold) == ("rows.jsonl", ("people.jsonl",))
