"""Models asked through clients, against a server that speaks the wire formats by a script."""

from __future__ import annotations

import pytest
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn

from agents.llm.client import CallFailedError
from finetune.evaluation.answers import Answer
from finetune.evaluation.client_predictor import ClientPredictor, client_identity
from schemas.dialect import render
from schemas.errors import ModelUnavailableError, UsageError
from schemas.job import ModelConfig
from schemas.machine import RunConfig
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.")),
        ClassSpec(name="Place", guideline=Guideline(definition="Where something is.")),
    )
)
TEXTS = ("Ann met Bob.", "Nobody came.", "Oslo was\n\ncold.")
PROMPTS = [render(SCHEMA, None, text) for text in TEXTS]
FIRST = '[Person(span="Ann"), Person(span="Bob")]'


def asked(server: ScriptedServer, provider: str = "openai") -> ClientPredictor:
    url = server.openai_url if provider == "openai" else server.anthropic_url
    config = ModelConfig(name=f"{provider}/scripted", base_url=url)
    return ClientPredictor(config, RunConfig(retries=0, max_connections=2))


def by_text(answers: dict[str, Turn]) -> ScriptedServer:
    """A server whose answer depends on the text that stands in the question."""

    def script(call: Call) -> Turn:
        question = "\n".join(call.texts)
        return next(turn for text, turn in answers.items() if text in question)

    return ScriptedServer(script)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_each_prompt_is_answered_with_its_list(provider: str) -> None:
    turns: dict[str, Turn] = {
        "Ann met": {"result": FIRST},
        "Nobody": {"result": "[]"},
        "Oslo": {"result": "["},
    }
    with by_text(turns) as server:
        found = dict(asked(server, provider).answers(PROMPTS, 64))
    assert found == {0: Answer(FIRST, False, 20), 1: Answer("[]", False, 20), 2: Answer("[", False, 20)}


def test_the_question_holds_the_prompt_as_it_was_rendered_and_asks_greedily() -> None:
    with by_text({"": {"result": "[]"}}) as server:
        list(asked(server).answers(PROMPTS, 77))
        calls = server.calls
    assert len(calls) == len(PROMPTS)
    for call in calls:
        user = next(m["content"] for m in call.body["messages"] if m["role"] == "user")
        assert sum(user.startswith(prompt + "\n\n") for prompt in PROMPTS) == 1
        assert (call.body["temperature"], call.body["max_tokens"]) == (0.0, 77)


def test_what_all_prompts_share_is_marked_for_the_cache_of_the_server() -> None:
    with by_text({"": {"result": "[]"}}) as server:
        list(asked(server, "anthropic").answers(PROMPTS, 64))
        calls = server.calls
    for call in calls:
        first, own, question = call.body["messages"][0]["content"]
        assert "class Place" in first["text"] and "cache_control" in first
        assert f"{first['text']}\n\n{own['text']}" in PROMPTS
        assert "cache_control" not in question


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_answer_that_is_cut_off_keeps_its_beginning(provider: str) -> None:
    cut = Say('{"result": "[Person(span=\\"Ann\\"), Per', finish="length", output_tokens=64)
    if provider == "anthropic":
        cut = Say({"result": '[Person(span="Ann"), Per'}, finish="max_tokens", output_tokens=64)
    with ScriptedServer([cut]) as server:
        found = list(asked(server, provider).answers(PROMPTS[:1], 64))
    assert found == [(0, Answer('[Person(span="Ann"), Per', True, 64))]


def test_a_refusal_and_an_answer_of_another_form_are_answers_that_cannot_be_read() -> None:
    refused = Say("", refusal="I cannot help with that.")
    with by_text({"Ann met": refused, "Nobody": "Nobody is mentioned.", "Oslo": {"result": "[]"}}) as server:
        found = dict(asked(server).answers(PROMPTS, 64))
    assert found[0] == Answer("I cannot help with that.", False, 20)
    assert found[1] == Answer("Nobody is mentioned.", False, 60)  # asked for again twice
    assert found[2] == Answer("[]", False, 20)


def test_a_failure_of_the_server_ends_the_asking_after_what_was_answered() -> None:
    late = Fail(401, delay=0.2)
    with by_text({"Ann met": {"result": FIRST}, "Nobody": late, "Oslo": late}) as server:
        asking = asked(server).answers(PROMPTS, 64)
        assert next(asking) == (0, Answer(FIRST, False, 20))
        with pytest.raises(CallFailedError, match="key") as failure:
            list(asking)
    assert failure.value.remedy


def test_whoever_stops_listening_ends_the_asking() -> None:
    with by_text({"Ann met": {"result": FIRST}, "": Say({"result": "[]"}, delay=30.0)}) as server:
        asking = asked(server).answers(PROMPTS, 64)
        next(asking)
        asking.close()
        with pytest.raises(StopIteration):
            next(asking)


def test_a_model_without_a_key_is_told_of_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelUnavailableError, match="needs a key"):
        list(ClientPredictor(ModelConfig(name="openai/gpt-none")).answers(PROMPTS, 64))


def test_identities_differ_by_model_and_server_and_a_name_of_no_provider_is_refused() -> None:
    configs = [
        ModelConfig(name="openai/one"),
        ModelConfig(name="openai/two"),
        ModelConfig(name="openai/one", base_url="http://127.0.0.1:1/v1"),
        ModelConfig(name="anthropic/one"),
    ]
    assert len({client_identity(config) for config in configs}) == len(configs)
    assert ClientPredictor(configs[0]).identity == client_identity(configs[0])
    with pytest.raises(UsageError):
        client_identity(ModelConfig(name="nobody/one"))
