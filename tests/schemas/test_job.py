"""The job file: what it takes, and what it says about what it does not take."""

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from schemas.asking import ClassOrder
from schemas.errors import UsageError
from schemas.job import DEFAULT_MODEL, Job, ModelConfig, job_from, parse_job
from schemas.judgement import Agent

DOCUMENTS = '[documents]\npaths = ["a.jsonl"]\n'


def fault(toml: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_job(toml, "job.toml")
    assert caught.value.remedy
    return str(caught.value)


def test_a_job_needs_documents_and_has_defaults_for_everything_else() -> None:
    job = parse_job(DOCUMENTS)
    assert job.documents.paths == ("a.jsonl",)
    assert job.model.name == DEFAULT_MODEL
    assert len(job.annotators) == 2
    assert job.thresholds.agreement == 0.9
    assert "documents: field required" in fault("seed = 1").lower()


def test_what_is_written_is_what_is_read() -> None:
    job = parse_job(
        DOCUMENTS
        + """
        limit = 3
        [model]
        name = "openai/small"
        base_url = "http://127.0.0.1:8000/v1"
        [agents.critic]
        name = "anthropic/large"
        temperature = 0.0
        [[annotators]]
        [[annotators]]
        class_order = "shuffled"
        temperature = 0.7
        [thresholds]
        agreement = 0.5
        """
    )
    assert (job.documents.limit, job.model.base_url) == (3, "http://127.0.0.1:8000/v1")
    assert job.agents.critic == ModelConfig(name="anthropic/large", temperature=0.0)
    assert job.annotators[1].class_order is ClassOrder.SHUFFLED
    assert job.thresholds.agreement == 0.5


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("sead = 1", "unknown key `sead`, did you mean `seed`?"),
        (
            "[documents]\npaths = ['a']\ntext_feild = 'x'",
            "`documents.text_feild`, did you mean `text_field`?",
        ),
        ("[model]\ntemprature = 1", "`model.temprature`, did you mean `temperature`?"),
        ("[agents.critic]\nnmae = 'x'", "`agents.critic.nmae`, did you mean `name`?"),
        ("[agents]\ncritik = {}", "`agents.critik`, did you mean `critic`?"),
        ("[[annotators]]\nclass_oder = 'schema'", "`annotators.0.class_oder`, did you mean `class_order`?"),
        ("[[annotators]]\n[annotators.model]\nbase_uri = 'x'", "did you mean `base_url`?"),
        ("[thresholds]\nagrement = 0.5", "`thresholds.agrement`, did you mean `agreement`?"),
        ("[run]\nmax_conections = 3", "`run.max_conections`, did you mean `max_connections`?"),
        ("zzzzqqqq = 1", "(known: documents, "),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_known_one(toml: str, words: str) -> None:
    assert words in fault(toml)


def test_all_faults_are_named_at_once() -> None:
    message = fault(
        "sead = 1\nrounds = 0\n[model]\ntemperature = 9\n[run]\ntimeout = 'soon'\n[documents]\npaths = []"
    )
    for part in ("job.toml", "sead", "rounds", "model.temperature", "run.timeout", "documents.paths"):
        assert part in message


def test_what_is_no_toml_is_said_with_its_place() -> None:
    message = fault("seed = = 1")
    assert "no TOML" in message
    assert "line 1" in message


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"documents": 3},
        {"documents": {"paths": "a.jsonl"}},
        {"documents": {"paths": ["a"]}, "annotators": []},
    ],
)
def test_mappings_that_are_no_job_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        job_from(data)


def job_models(model: type[BaseModel] = Job) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        queue = [field.annotation]
        while queue:
            annotation = queue.pop()
            queue += typing.get_args(annotation)
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from job_models(annotation)


def test_every_key_is_documented() -> None:
    models = set(job_models())
    assert len(models) >= 7
    silent = [
        f"{m.__name__}.{name}" for m in models for name, f in m.model_fields.items() if not f.description
    ]
    assert silent == []


def test_a_job_survives_json() -> None:
    job = parse_job(DOCUMENTS + "[agents.critic]\nname = 'anthropic/large'")
    assert Job.model_validate_json(job.model_dump_json()) == job


def test_the_model_of_an_agent_is_its_own_or_the_jobs() -> None:
    job = parse_job(
        DOCUMENTS
        + """
        [model]
        name = "openai/common"
        [agents.critic]
        name = "openai/critic"
        [agents.annotator]
        name = "openai/annotator"
        temperature = 0.1
        [[annotators]]
        [[annotators]]
        temperature = 0.0
        [[annotators]]
        temperature = 0.9
        [annotators.model]
        name = "openai/third"
        """
    )
    assert job.model_for(Agent.DESIGNER) is job.model
    assert job.model_for(Agent.WRITER).name == "openai/common"
    assert job.model_for(Agent.CRITIC, annotator=2).name == "openai/critic"
    annotators = [job.model_for(Agent.ANNOTATOR, n) for n in range(3)]
    assert [(model.name, model.temperature) for model in annotators] == [
        ("openai/annotator", 0.1),
        ("openai/annotator", 0.0),
        ("openai/third", 0.9),
    ]
    assert job.model.temperature == 0.2


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90), ("2.5", 2.5), ('"90"', 90), ('"90s"', 90), ('"15m"', 900), ('" 1.5 H "', 5400)],
)
def test_a_time_limit_is_seconds_or_a_number_with_its_unit(written: str, seconds: float) -> None:
    assert parse_job(f"{DOCUMENTS}[limits]\ntime = {written}").limits.time == seconds


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ('time = "soon"', "write it as 90, 90s, 15m or 2h"),
        ('time = "-5m"', "write it as"),
        ('time = "0s"', "greater than 0"),
        ("time = inf", "finite"),
        ("cost = 0", "greater than 0"),
        ("cost = nan", "limits.cost"),
        ("tokens = 1.5", "limits.tokens"),
        ("token = 1", "did you mean `tokens`?"),
    ],
)
def test_a_limit_that_is_none_is_refused(limit: str, words: str) -> None:
    assert words in fault(f"{DOCUMENTS}[limits]\n{limit}")


def test_prices_go_by_the_name_of_the_model() -> None:
    table = '[prices."openai/own"]\n'
    price = parse_job(f"{DOCUMENTS}{table}input = 0.5\noutput = 2").prices["openai/own"]
    assert (price.input, price.output, price.cached_input) == (0.5, 2.0, None)
    assert "prices.openai/own.output" in fault(f"{DOCUMENTS}{table}input = 0.5")
    assert "did you mean `output`?" in fault(f"{DOCUMENTS}{table}input = 0.5\noutput = 2\noutputs = 2")
