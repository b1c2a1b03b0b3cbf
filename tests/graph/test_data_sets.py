"""Data sets of Hugging Face, made by their own library: in folders, and on a hub on loopback."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value
from hypothesis import given
from hypothesis import strategies as st
from reading_files import read, refusal
from servers.hub import serving

from graph.documents import (
    count_records,
    data_set_named,
    read_documents,
    seen_from,
    source_state,
    stem_of,
    with_path,
)
from graph.documents.naming import DataSetName
from schemas.errors import DocumentError

_FEATURES = Features(
    {
        "key": Value("string"),
        "text": Value("string"),
        "mood": ClassLabel(names=["calm", "rough"]),
        "tags": Sequence(Value("string")),
    }
)


@pytest.fixture(autouse=True)
def _quietly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    datasets.disable_progress_bars()


def _set(*texts: str) -> Dataset:
    rows = {
        "key": [f"k{n}" for n in range(len(texts))],
        "text": list(texts),
        "mood": [n % 2 for n in range(len(texts))],
        "tags": [["sea", str(n)] for n in range(len(texts))],
    }
    return Dataset.from_dict(rows, features=_FEATURES)


def test_a_saved_data_set_is_read_by_its_folder_alone(tmp_path: Path) -> None:
    _set("The ship sailed.", "She came back.", "").save_to_disk(str(tmp_path / "log"))
    for named in (tmp_path / "log", f"hf:{tmp_path}/log"):
        documents, unreadable = read(named, id_field="key")
        assert [(d.id, d.text) for d in documents] == [("k0", "The ship sailed."), ("k1", "She came back.")]
        assert documents[1].meta == {"mood": "rough", "tags": ["sea", "1"]}
        assert documents[1].source == f"{tmp_path}/log:2"
        assert [(one.line, one.reason) for one in unreadable] == [(3, "the text is empty")]
        assert count_records([named]) == 3
    hashed = [d.id for d in read(tmp_path / "log")[0]]
    assert hashed == [d.id for d in read(tmp_path / "log")[0]] and len(set(hashed)) == 2
    assert len(read(tmp_path / "log", f"hf:{tmp_path}/log")[0]) == 2  # the same set, named twice


def test_a_split_is_named_or_goes_without_saying(tmp_path: Path) -> None:
    DatasetDict({"test": _set("t"), "train": _set("a", "b")}).save_to_disk(str(tmp_path / "both"))
    DatasetDict({"test": _set("t")}).save_to_disk(str(tmp_path / "one"))
    DatasetDict({"x": _set("t"), "y": _set("u")}).save_to_disk(str(tmp_path / "odd"))
    assert [d.text for d in read(tmp_path / "both")[0]] == ["a", "b"]
    assert [d.text for d in read(f"hf:{tmp_path}/both:test")[0]] == ["t"]
    assert [d.text for d in read(tmp_path / "one")[0]] == ["t"]
    assert "needs a split to be named" in refusal(tmp_path / "odd")
    assert "has no split 'dev'" in refusal(f"hf:{tmp_path}/both:dev")
    with pytest.raises(DocumentError) as caught:
        list(read_documents([f"hf:{tmp_path}/both:dev"]))
    assert "test, train" in caught.value.remedy


def test_a_folder_with_a_card_is_read_as_the_card_says(tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    _set("a", "b").to_parquet(str(folder / "first.parquet"))
    _set("c").to_parquet(str(folder / "second.parquet"))
    configs = [("one", "first"), ("two", "second")]
    lines = [
        f"- config_name: {c}\n  data_files:\n  - split: train\n    path: {f}.parquet" for c, f in configs
    ]
    (folder / "README.md").write_text("---\nconfigs:\n" + "\n".join(lines) + "\n---\n# A data set\n")
    assert [(d.id, d.text) for d in read(f"hf:{folder}:one/train", id_field="key")[0]] == [
        ("k0", "a"),
        ("k1", "b"),
    ]
    assert [d.text for d in read(f"hf:{folder}:two/")[0]] == ["c"]
    assert read(f"hf:{folder}:two/")[0][0].meta["mood"] == "calm"
    assert count_records([f"hf:{folder}:one/"]) == 2
    assert "Please pick one among the available configs" in refusal(f"hf:{folder}")


def test_a_folder_of_json_lines_is_a_data_set_when_named_as_one(tmp_path: Path) -> None:
    rows = [{"body": f"text {n}", "n": n} for n in range(5)]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    documents, _ = read(f"hf:{tmp_path}/set", text_field="body", limit=3)
    assert [(d.text, d.meta) for d in documents] == [(f"text {n}", {"n": n}) for n in range(3)]


def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    _set("a").save_to_disk(str(tmp_path / "log"))
    assert "has no column 'body' (columns: key, text, mood, tags)" in refusal(
        tmp_path / "log", text_field="body"
    )
    assert "is no folder of a data set" in refusal(f"hf:{tmp_path}/nowhere")
    assert "names no data set" in refusal("hf:imdb")
    (arrow,) = (tmp_path / "log").glob("*.arrow")
    arrow.write_bytes(b"no arrow")
    assert "cannot be read: " in refusal(tmp_path / "log")


def test_without_a_network_the_hub_is_told_to_be_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    stream = read_documents(["hf:stanfordnlp/imdb:train@main"])  # nothing is asked of it yet
    with pytest.raises(DocumentError) as caught:
        next(stream)
    assert str(caught.value).startswith(
        "The data set hf:stanfordnlp/imdb:train@main cannot be read: Couldn't reach"
    )
    assert "Check its name and the network" in caught.value.remedy
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("datasets").level != logging.CRITICAL + 1


_READ = """
import json, sys
from graph.documents import read_documents
from schemas.errors import DocumentError
for name in sys.argv[1:]:
    try:
        print(json.dumps([[d.id, d.text, d.source, d.meta] for d in read_documents([name], id_field="key")]))
    except DocumentError as error:
        print(json.dumps(str(error)))
"""


def test_a_data_set_of_a_hub_is_streamed_from_the_revision_that_is_named(tmp_path: Path) -> None:
    """In a process of its own, as the library takes the hub's address when it is loaded."""
    _set("The ship sailed.", "She came back.").to_parquet(str(tmp_path / "train.parquet"))
    where = "- split: train\n    path: data/train.parquet"
    card = f"---\nconfigs:\n- config_name: log\n  data_files:\n  {where}\n---\n"
    files = {"README.md": card.encode(), "data/train.parquet": (tmp_path / "train.parquet").read_bytes()}
    names = ["hf:crew/log", "hf:crew/log:log/train@v1", "hf:crew/log@v9", "hf:crew/diary"]
    with serving("crew/log", files) as hub:
        done = subprocess.run(
            [sys.executable, "-c", _READ, *names],
            env=os.environ
            | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "*"}
            | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    plain, pinned, unknown, missing = map(json.loads, done.stdout.splitlines())
    assert plain == [
        ["k0", "The ship sailed.", "hf:crew/log:1", {"mood": "calm", "tags": ["sea", "0"]}],
        ["k1", "She came back.", "hf:crew/log:2", {"mood": "rough", "tags": ["sea", "1"]}],
    ]
    assert [(each[1], each[2]) for each in pinned] == [
        ("The ship sailed.", "hf:crew/log:log/train@v1:1"),
        ("She came back.", "hf:crew/log:log/train@v1:2"),
    ]
    assert "hf:crew/log@v9 cannot be read: " in unknown
    assert "hf:crew/diary cannot be read: " in missing
    assert any("/resolve/v1/" in each for each in hub.asked)
    assert not any("POST" in each or each.startswith("PUT") for each in hub.asked)


def test_a_changed_data_set_is_read_again(tmp_path: Path) -> None:
    _set("a").save_to_disk(str(tmp_path / "log"))
    before = source_state([tmp_path / "log"])
    assert source_state([tmp_path / "log"]) == before
    (arrow,) = (tmp_path / "log").glob("*.arrow")
    os.utime(arrow, (1, 1))
    assert source_state([tmp_path / "log"]) != before
    on_hub = [source_state([f"hf:a/b@{revision}"]) for revision in ("v1", "v1", "v2")]
    assert on_hub[0] == on_hub[1] != on_hub[2]


_WORD = st.text("abcXYZ019_-", min_size=1, max_size=8)


@given(_WORD, _WORD, st.none() | _WORD, st.none() | _WORD, st.none() | st.sampled_from(["main", "refs/pr/1"]))
def test_a_name_is_read_as_it_is_written(
    owner: str, name: str, config: str | None, split: str | None, revision: str | None
) -> None:
    data_set = DataSetName(f"{owner}/{name}", config, split, revision)
    assert data_set_named(str(data_set)) == data_set
    assert with_path(str(data_set), lambda path: 1 / 0) == str(data_set)  # type: ignore[arg-type, return-value]
    assert stem_of(str(data_set)) == Path(name).name
    folder = DataSetName(f"./{owner}/{name}", config, split)
    assert data_set_named(str(folder)) == folder
    moved = with_path(str(folder), lambda path: seen_from(Path("runs/x"), path))
    assert data_set_named(moved) == DataSetName(f"../../{owner}/{name}", config, split)


def test_names_that_are_no_data_set_are_paths() -> None:
    assert data_set_named("docs.jsonl") is None
    assert [stem_of(each) for each in ("a/log.csv.zst", "b/log.txt", "-", "hf:./x/ships:train")] == [
        "log",
        "log",
        "stdin",
        "ships",
    ]
    assert with_path("-", lambda path: f"x/{path}") == "-"
    assert with_path("hf:no set", lambda path: f"x/{path}") == "hf:no set"
