"""Job files on disk, flags over them, and the folders of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from guidex.job_files import Changes, effective_toml, load_job, suggested_name
from guidex.resuming import Resume
from guidex.run_folders import find_run, run_folder
from schemas.errors import StoreError, UsageError
from schemas.job import Job, job_from, parse_job

JOB = """
rounds = 2
[documents]
paths = ["data/docs.jsonl"]
[model]
name = "openai/big"
base_url = "http://127.0.0.1:9/v1"
structured = "tools"
temperature = 0.7
"""


@pytest.fixture
def job_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "guidex.toml").write_text(JOB)
    monkeypatch.chdir(tmp_path)
    return folder / "guidex.toml"


def a_job(*paths: str) -> Job:
    return job_from({"documents": {"paths": list(paths or ("docs.jsonl",))}})


def test_paths_are_relative_to_the_job_file(
    job_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_job(job_file).documents.paths == (str(Path("project/data/docs.jsonl")),)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_job(job_file).documents.paths == (str(job_file.parent / "data/docs.jsonl"),)


def test_paths_of_flags_are_relative_to_the_working_directory(job_file: Path) -> None:
    assert load_job(job_file, Changes(documents=["other.csv"])).documents.paths == ("other.csv",)


def test_flags_take_precedence_and_leave_the_rest(job_file: Path) -> None:
    changes = Changes(
        limit=3, doc_id=["a"], brief="ships", rounds=5, max_connections=2, documents_in_flight=1
    )
    job = load_job(job_file, changes)
    assert (job.documents.limit, job.documents.ids, job.brief, job.rounds) == (3, ("a",), "ships", 5)
    assert (job.run.max_connections, job.run.documents_in_flight) == (2, 1)
    assert (job.model.name, job.model.structured, job.model.temperature) == ("openai/big", "tools", 0.7)


def test_limits_of_flags_are_read_as_in_the_file(job_file: Path) -> None:
    limits = load_job(job_file, Changes(cost_limit=2.5, token_limit=900, time_limit="2h")).limits
    assert (limits.cost, limits.tokens, limits.time) == (2.5, 900, 7200)
    with pytest.raises(UsageError, match=r"limits\.time: .*15m"):
        load_job(job_file, Changes(time_limit="for a while"))


def test_another_model_does_not_inherit_the_server_of_the_files_model(job_file: Path) -> None:
    model = load_job(job_file, Changes(model="local/smollm2-135m")).model
    assert (model.name, model.base_url, model.structured, model.temperature) == (
        "local/smollm2-135m",
        None,
        None,
        0.7,
    )
    assert load_job(job_file, Changes(model="openai/big")).model.base_url == "http://127.0.0.1:9/v1"


def test_flags_alone_make_a_job() -> None:
    job = load_job(None, Changes(documents=["a.txt"], model="openai/x", base_url="http://h/v1"))
    assert job == job_from(
        {"documents": {"paths": ["a.txt"]}, "model": {"name": "openai/x", "base_url": "http://h/v1"}}
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rounds = ", "is no TOML"),
        (b"\xff\xfe", "no UTF-8"),
        (b"rounds = 2", "No documents were named"),
        (b"model = 3\n[documents]\npaths = ['a']", "model"),
        (b"[documents]\npaths = 'a'", "documents.paths"),
        (b"[documents]\npaths = [1]", "documents.paths.0"),
        (b"documents = 5", "documents"),
        (b"ruonds = 2\n[documents]\npaths = ['a']", "did you mean `rounds`"),
    ],
)
def test_a_wrong_job_file_is_told_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "job.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as raised:
        load_job(path)
    assert raised.value.remedy


def test_a_missing_job_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_job(tmp_path / "none.toml")


def test_a_model_that_is_no_table_is_refused_under_flags_too(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text("model = 3\n[documents]\npaths = ['a']")
    with pytest.raises(UsageError, match="model"):
        load_job(path, Changes(model="openai/x"))


@pytest.mark.parametrize(
    ("paths", "job_path", "name"),
    [
        (["docs/My reports.jsonl"], None, "My-reports"),
        (["a/b/"], None, "b"),
        (["x.jsonl"], "ships.toml", "ships"),
        (["x.jsonl"], "project/guidex.toml", "project"),
        (["x.jsonl"], "project/job.toml", "project"),
        (["\u4eca\u5929.txt"], None, "run"),
        (["..x.txt"], None, "x"),
    ],
)
def test_a_run_is_named_after_its_job_or_documents(paths: list[str], job_path: str | None, name: str) -> None:
    assert suggested_name(a_job(*paths), Path(job_path) if job_path else None) == name


def test_the_effective_job_is_a_job_file_for_the_runs_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = job_from({"documents": {"paths": ["docs.jsonl"]}, "thresholds": {"agreement": 0.5}, "seed": 7})
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "job.toml").write_text(effective_toml(job, folder))
    assert "../../docs.jsonl" in (folder / "job.toml").read_text()
    assert load_job(folder / "job.toml") == job


def test_the_effective_job_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key-123456")
    job = load_job(None, Changes(documents=["a"], base_url="http://user:canary-key-123456@h/v1"))
    toml = effective_toml(job, tmp_path)
    assert "canary" not in toml
    assert parse_job(toml).model.base_url == "http://user:[redacted]@h/v1"


# --- folders ---


def begin(folder: Path) -> None:
    (folder / "run.db").write_bytes(b"")


def test_names_are_numbered_when_taken(tmp_path: Path) -> None:
    made = []
    for _ in range(3):
        with run_folder(a_job(), None, "docs", tmp_path / "runs", Resume.NEVER) as (_, folder, toml):
            begin(folder)
            made.append(folder.name)
            assert (folder / "job.toml").read_text() == toml
    assert made == ["docs", "docs-2", "docs-3"]


def test_a_name_that_is_taken_is_refused_to_a_new_run(tmp_path: Path) -> None:
    with run_folder(a_job(), "mine", "docs", tmp_path) as (_, folder, _):
        begin(folder)
    with (
        pytest.raises(UsageError, match=r"a run in .*mine already") as raised,
        run_folder(a_job(), "mine", "docs", tmp_path, Resume.NEVER),
    ):
        pass
    assert "--name" in raised.value.remedy


def test_files_of_others_are_never_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="files in"), run_folder(a_job(), "mine", "docs", tmp_path):
        pass
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../up", "-x", ".hidden", "a b", "a\n", "n" * 101])
def test_a_name_that_is_no_folders_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be named"), run_folder(a_job(), name, "docs", tmp_path):
        pass


def test_nothing_is_left_of_a_run_that_did_not_begin(tmp_path: Path) -> None:
    with pytest.raises(KeyError), run_folder(a_job(), None, "docs", tmp_path / "runs"):
        raise KeyError
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with (
        pytest.raises(StoreError, match="cannot be written") as raised,
        run_folder(a_job(), None, "docs", tmp_path / "runs"),
    ):
        pass
    assert "--runs-dir" in raised.value.remedy


def test_a_run_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with run_folder(a_job(), "mine", "docs", tmp_path) as (_, folder, _):
        begin(folder)
    with pytest.raises(UsageError, match="no run `mime`") as raised:
        find_run("mime", tmp_path)
    assert "mine" in raised.value.remedy
    with pytest.raises(UsageError) as raised:
        find_run("x", tmp_path / "empty")
    assert "guidex run" in raised.value.remedy


def test_the_flag_for_adaptive_connections_takes_the_place_of_a_fixed_number(job_file: Path) -> None:
    fixed = load_job(job_file, Changes(max_connections=3, timeout=5, retries=1)).run
    assert (fixed.connections, fixed.timeout, fixed.retries) == ((3, 3, 3), 5, 1)
    job_file.write_text(job_file.read_text() + "\n[run]\nmax_connections = 3\n")
    assert load_job(job_file, Changes(adaptive_connections="2-4-6")).run.connections == (2, 4, 6)
