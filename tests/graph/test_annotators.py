"""Annotators work alone: each with its own model, temperature, order of classes, form and seed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from scripted_team import TEXT, accept, annotated, designed, instructions, written
from servers.in_memory import InMemoryClient, Said

from agents.llm.client import Request
from graph.document_graph import DocumentGraph
from graph.team import assemble
from schemas.asking import AnswerForm
from schemas.documents import Document
from schemas.job import ModelConfig, job_from, parse_job
from schemas.judgement import Agent

JOB = parse_job("""
    rounds = 1
    [documents]
    paths = ["documents.jsonl"]
    [model]
    name = "openai/one"
    [[annotators]]
    [[annotators]]
    class_order = "reversed"
    temperature = 0.7
    form = "in-order"
    [[annotators]]
    model = { name = "openai/other" }
""")


class Office:
    """One in-memory client for each model; what annotator 1 says can be set."""

    def __init__(self, first_says: dict[str, list[str]]) -> None:
        self.clients: dict[str, InMemoryClient] = {}
        self._first_says = first_says

    def client_for(self, config: ModelConfig) -> InMemoryClient:
        return self.clients.setdefault(config.name, InMemoryClient(self._answer))

    def _answer(self, request: Request[Any]) -> Said:
        agent, number = request.purpose.agent, request.purpose.sample
        if agent is Agent.ANNOTATOR:
            return annotated(self._first_says if number == 0 else {"Person": ["Ann"], "Place": ["Rome"]})(
                request
            )
        scripts = {Agent.DESIGNER: designed("Person", "Place"), Agent.WRITER: written, Agent.CRITIC: accept}
        return scripts[agent](request)

    async def annotations(self) -> dict[int, tuple[str, Request[Any]]]:
        """Model and request of each annotator in the first round, by its number."""
        await DocumentGraph(JOB, assemble(JOB, self.client_for)).run(Document(id="d", text=TEXT))
        return {
            request.purpose.sample: (model, request)
            for model, client in self.clients.items()
            for request in client.requests
            if request.purpose.agent is Agent.ANNOTATOR and request.purpose.round == 1
        }


async def test_each_is_asked_in_its_own_way() -> None:
    asked = await Office({"Person": ["Ann"]}).annotations()
    assert [asked[number][0] for number in range(3)] == ["openai/one", "openai/one", "openai/other"]
    requests = [asked[number][1] for number in range(3)]
    assert [request.sampling.temperature for request in requests] == [0.2, 0.7, 0.2]
    assert len({request.sampling.seed for request in requests}) == 3
    orders = [re.findall(r"^- (\w+)", instructions(request), re.MULTILINE) for request in requests]
    assert orders == [["Person", "Place"], ["Place", "Person"], ["Person", "Place"]]
    forms = [request.answer.form for request in requests]
    assert forms == [AnswerForm.BY_CLASS, AnswerForm.IN_ORDER, AnswerForm.BY_CLASS]
    assert ["mentions" in request.answer.model_json_schema()["properties"] for request in requests] == [
        False,
        True,
        False,
    ]


async def test_none_sees_the_work_of_another() -> None:
    one = await Office({"Person": ["Ann", "Bo"], "Place": ["Oslo"]}).annotations()
    other = await Office({"Person": ["engine"], "Place": []}).annotations()
    for number in (1, 2):
        assert one[number][1].messages == other[number][1].messages
        assert one[number][1].checks is not None and set(one[number][1].checks) == {"index"}


@pytest.mark.parametrize("form", list(AnswerForm))
def test_the_form_is_a_key_of_the_job_file(form: AnswerForm) -> None:
    made = job_from({"documents": {"paths": ["d"]}, "annotators": [{"form": form.value}]})
    assert made.annotators[0].form is form
    assert json.loads(made.model_dump_json())["annotators"][0]["form"] == form.value


def test_the_two_by_default_differ_in_order_and_temperature_and_both_sweep_class_by_class() -> None:
    first, second = job_from({"documents": {"paths": ["d"]}}).annotators
    assert first.class_order is not second.class_order and first.temperature != second.temperature
    assert first.form is second.form is AnswerForm.BY_CLASS
