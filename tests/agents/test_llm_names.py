"""Model names: what they mean and how mistakes are answered."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agents.llm.names import api_key, resolve
from schemas.errors import GuidexError, ModelUnavailableError, UsageError
from schemas.job import ModelConfig, Profile


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_suit_the_model() -> None:
    local = resolve(ModelConfig())
    assert (local.provider, local.model) == ("local", "smollm2-135m")
    assert (local.profile, local.structured, local.grounded) == (Profile.COMPACT, "json_schema", True)
    assert (local.max_tokens, local.key_env, local.base_url) == (600, None, None)
    hosted = resolve(ModelConfig(name="openai/org/gpt-x"))
    assert (hosted.provider, hosted.model, hosted.key_env) == ("openai", "org/gpt-x", "OPENAI_API_KEY")
    assert (hosted.profile, hosted.structured, hosted.grounded) == (Profile.FULL, "json_schema", False)
    assert hosted.max_tokens == 4096
    claude = resolve(ModelConfig(name="anthropic/claude-x"))
    assert (claude.structured, claude.grounded, claude.key_env) == ("tools", False, "ANTHROPIC_API_KEY")


def test_what_is_configured_wins() -> None:
    model = resolve(
        ModelConfig(
            name="openai/x",
            base_url="http://localhost:8000/v1",
            api_key_env="MY_KEY",
            profile="compact",
            structured="tools",
            grounded=True,
            max_tokens=99,
        )
    )
    assert (model.key_env, model.structured, model.grounded, model.max_tokens) == (
        "MY_KEY",
        "tools",
        True,
        99,
    )
    assert resolve(ModelConfig(name="openai/x", profile="compact")).max_tokens == 600
    assert resolve(ModelConfig(grounded=False)).grounded is False


def test_a_server_of_the_environment_is_part_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway/v1")
    assert resolve(ModelConfig(name="openai/x")).base_url == "http://gateway/v1"
    assert resolve(ModelConfig(name="openai/x", base_url="http://own/v1")).base_url == "http://own/v1"


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"name": "opnai/gpt-5"}, "no known provider", "Did you mean `openai/gpt-5`?"),
        ({"name": "gpt-5"}, "no known provider", "Did you mean `openai/gpt-5`?"),
        ({"name": "claude-x"}, "no known provider", "Did you mean `anthropic/claude-x`?"),
        ({"name": "model.gguf"}, "no known provider", "`local/model.gguf`"),
        ({"name": "groq/llama"}, "no known provider", "base_url"),
        ({"name": "openai/"}, "ends after the provider", "openai/NAME"),
        ({"name": ""}, "no known provider", "local/..."),
        ({"base_url": "http://x"}, "runs in this process", "openai/NAME"),
        ({"name": "openai/x", "base_url": "localhost:80"}, "no http address", "http://"),
        ({"name": "openai/x", "base_url": "https://me:pw@h/v1"}, "holds a name, a pass", "api_key_env"),
        ({"name": "openai/x", "base_url": "https://h/v1?key=1"}, "or parameters", "api_key_env"),
        ({"name": "anthropic/x", "grounded": True}, "takes no grammar", "grounded"),
        ({"name": "anthropic/x", "structured": "json"}, "by tools", "structured"),
    ],
)
def test_mistakes_are_answered_with_a_remedy(settings: dict[str, object], message: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        resolve(ModelConfig.model_validate(settings))
    assert remedy in caught.value.remedy
    assert "pw" not in f"{caught.value} {caught.value.remedy}"


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    hosted = resolve(ModelConfig(name="openai/x"))
    with pytest.raises(ModelUnavailableError, match="OPENAI_API_KEY is not set") as caught:
        api_key(hosted)
    assert isinstance(caught.value, GuidexError) and "export OPENAI_API_KEY" in caught.value.remedy
    monkeypatch.setenv("OPENAI_API_KEY", " sk-1 \n")
    assert api_key(hosted) == "sk-1"
    own = resolve(ModelConfig(name="openai/x", base_url="http://own/v1", api_key_env="NO_SUCH_KEY"))
    assert api_key(own)  # a server of one's own needs none, the SDK wants something


def test_names_and_factory_import_nothing_heavy() -> None:
    code = (
        "import sys, agents.llm.factory, agents.llm.instructed, agents.llm.local\n"
        "heavy = {'instructor', 'openai', 'anthropic', 'xllamacpp', 'httpx2', 'aiohttp'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
