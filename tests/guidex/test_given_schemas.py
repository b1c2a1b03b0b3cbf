"""A schema in the job of a run: it comes back as it was read, and a changed one is a difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dialect_strategies import schemas
from hypothesis import given, settings

from graph.fingerprint import differences
from guidex.given_schemas import load_schema
from guidex.job_files import Changes, effective_toml, job_of, job_with_schema, load_job
from schemas.errors import UsageError
from schemas.job import InvalidJobError, Job, Mode, job_from, parse_job
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

BASE: dict[str, Any] = {"documents": {"paths": ["a.txt"]}}
PERSON = AnnotationSchema(classes=(ClassSpec(name="Person"),))


def job_given(schema: AnnotationSchema) -> Job:
    return job_from({**BASE, "mode": "given", "given_schema": schema})


@settings(max_examples=60, deadline=None)
@given(schemas())
def test_a_run_keeps_any_schema_as_it_is(schema: AnnotationSchema) -> None:
    folder = Path("runs/x")
    toml = effective_toml(job_given(schema), folder)
    again = job_of(toml, folder, Changes())
    assert again.given_schema == schema and again.mode is Mode.GIVEN
    assert differences(parse_job(toml), parse_job(effective_toml(again, folder)), folder) == {}


def test_schemas_differ_by_their_content_and_are_named_in_short() -> None:
    many = AnnotationSchema(classes=tuple(ClassSpec(name=f"Class{n}") for n in range(9)))
    defined = ClassSpec(name="Person", guideline=Guideline(definition="Who is named."))
    described = AnnotationSchema(classes=(defined,))
    (key,) = found = differences(job_given(PERSON), job_given(described), Path("x"))
    assert key == "given_schema" and all(shown.startswith("Person (") for shown in found[key])
    assert found[key][0] != found[key][1]
    ((_, shown),) = differences(job_given(PERSON), job_given(many), Path("x")).values()
    assert "Class5 and 3 more (" in shown
    changed = differences(job_from(BASE), job_given(PERSON), Path("x"))
    assert set(changed) == {"mode", "given_schema"}


def test_a_job_file_and_its_schema_are_found_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "labels.json").write_text('["Person"]', "utf-8-sig")
    job_file = project / "job.toml"
    job_file.write_text('schema_file = "labels.json"\n[documents]\npaths = ["a.txt"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    job = load_job(job_file)
    assert (job.mode, job.given_schema) == (Mode.GIVEN, PERSON)
    assert load_job(job_file, Changes(mode="per-document")).given_schema is None
    (tmp_path / "other.py").write_text("class Ship:\n    name: str\n", "utf-8")
    other = load_job(job_file, Changes(schema=Path("other.py"))).given_schema
    assert other is not None and other.names == ("Ship",)
    # A run's job file, too, may be given another schema.
    kept = tmp_path / "kept.toml"
    kept.write_text(effective_toml(job, tmp_path), "utf-8")
    assert load_job(kept).given_schema == PERSON
    assert load_job(kept, Changes(schema=Path("other.py"))).given_schema == other


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"mode": "given"}, "mode `given` needs a schema"),
        ({"given_schema": PERSON}, "mode `per-document` does not use"),
        ({"mode": "given", "schema_file": "x.py"}, "mode `given` needs a schema"),
        ({"schema_file": "x.py"}, "schema_file is read from a job file only"),
        (
            {"mode": "Given", "given_schema": PERSON},
            "mode: input should be 'per-document', 'corpus' or 'given'",
        ),
    ],
)
def test_a_job_says_what_its_schema_lacks(more: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidJobError, match=fault):
        job_from({**BASE, **more})


def test_a_schema_that_is_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_schema(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        job_with_schema({**BASE, "schema_file": str(tmp_path / "none.json")})
    with pytest.raises(UsageError, match="schema_file: input should be a valid string"):
        job_with_schema({**BASE, "schema_file": 3})
