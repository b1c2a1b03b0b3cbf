"""The generated pages, and that the command line describes itself wholly."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from guidex.cli.app import app
from guidex.cli.options import MethodName
from guidex.cli.trace import State
from guidex.reference import PAGES
from guidex.reference import main as write_pages
from schemas.judgement import Outcome
from schemas.methods import Method

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_pages_are_up_to_date(path: Path) -> None:
    assert (ROOT / path).read_text("utf-8") == PAGES[path](), "run `python -m guidex.reference`"


def test_the_check_sees_a_page_that_is_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_pages([]) == 0
    assert write_pages(["--check"]) == 0
    (tmp_path / "docs/cli.md").write_text("old")
    assert write_pages(["--check"]) == 1
    assert "docs" in capsys.readouterr().err


def commands(command: Any, path: str = "guidex") -> Iterator[tuple[str, Any]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from commands(below, f"{path} {name}")


COMMANDS = list(commands(get_command(app)))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_every_command_and_flag_has_a_help_text(path: str, command: Any) -> None:
    assert command.help
    assert [param.name for param in command.params if not param.help] == []


def test_choices_are_those_of_the_models() -> None:
    assert set(get_args(State)) == {member.value for member in Outcome}
    assert set(get_args(MethodName)) == {member.value for member in Method}


@pytest.fixture(scope="module")
def startup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("startup", ROOT / "benchmarks/startup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_help_imports_nothing_heavy(startup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert startup.heavy_imports() == []


def test_importing_the_package_loads_nothing() -> None:
    code = (
        "import guidex, sys; print({name.partition('.')[0] for name in sys.modules} & {'pydantic', 'typer'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
