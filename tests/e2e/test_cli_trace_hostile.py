"""What documents, models and servers wrote reaches the terminal as text, whichever command prints it."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from pathlib import Path

import pytest
from commands import Command, Done

from agents.llm.choices import Choice
from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import (
    Agent,
    Decision,
    Finding,
    FindingCode,
    MentionJudgement,
    Outcome,
    Scores,
    Severity,
    Verdict,
)
from schemas.objections import Objection
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

EVIL = (
    "red \x1b[31m, title \x1b]0;owned\x07, link \x1b]8;;http://evil.test\x1b\\here\x1b]8;;\x1b\\, "
    "C1 \x9b2J, return \rover, back \x08\x08, nul \x00, del \x7f, bidi \u202edetrevni\u202c \u2066x\u2069, "
    "line\u2028sep, para\u2029sep, tag \U000e0041, zero\u200bwidth, bom \ufeff, soft\u00adhyphen, "
    "[bold]markup[/] :boom:"
)
ID = EVIL.replace("\x00", "")  # no argument can hold one
LONG = "x" * 5000 + " " + "\u202e" * 50
# As JSON has it: half of a pair, which no encoding takes.
HALF = '{"answer": "half \\ud800 and \\u001b[2J", "deep": ' + "[" * 3000 + "]" * 3000 + "}"


def schema(definition: str) -> AnnotationSchema:
    return AnnotationSchema(
        domain=EVIL,
        classes=(ClassSpec(name="Thing", guideline=Guideline(definition=definition, include=(EVIL,))),),
    )


def made_round(number: int) -> Round:
    start = EVIL.index("link")
    mention = Mention(
        field="span", quote=EVIL[start : start + 20], start=start, end=start + 20, status=MentionStatus.EXACT
    )
    instance = Instance(class_name="Thing", values={"span": mention.quote}, mentions=(mention,))
    annotations = tuple(
        Annotation(document_id=ID, annotator=name, instances=(instance,)) for name in (f"one {EVIL}", "two")
    )
    finding = Finding(
        code=FindingCode.SPURIOUS,
        severity=Severity.MAJOR,
        raised_by=f"critic {EVIL}",
        class_name=EVIL,
        quote=EVIL,
        start=0,
        end=4,
        message=EVIL,
    )
    return Round(
        number=number,
        entered=Agent.DESIGNER,
        annotation_schema=schema(f"{EVIL} {number}"),
        annotations=annotations,
        agreed=Annotation(document_id=ID, annotator="agreed", instances=(instance,), unknown_classes=(EVIL,)),
        findings=(finding,),
        objections=(Objection(number=1, finding=finding, raised_in=1, gave_way=(EVIL,)),),
        judgements=(
            MentionJudgement(class_name="Thing", start=start, end=start + 20, verdict=Verdict.WRONG_CLASS),
        ),
        scores=Scores(grounding=1.0, agreement=0.5),
        state_hash=str(number),
    )


async def write_calls(store: RunStore) -> None:
    for number, raw in enumerate((EVIL, LONG, HALF, json.dumps({EVIL: EVIL}))):
        call = OpenedCall(
            key=f"{number}",
            purpose=Purpose(agent=Agent.ANNOTATOR, document_id=ID),
            identity=ModelIdentity(provider=EVIL, model=EVIL, base_url=EVIL, structured=EVIL),
            messages=(Message(role="user", parts=(EVIL, LONG, EVIL)),),
            sampling=Sampling(temperature=0, max_tokens=9),
            answer_name=EVIL,
            answer_schema="0",
        )
        call_id = await store.open_call(call)
        attempts = (
            Attempt(number=1, raw=raw, finish_reason=EVIL, latency=100.0 * number, error=EVIL),
            Attempt(number=2, raw=raw, finish_reason=EVIL),
        )
        choices = (Choice(path=EVIL, value=EVIL, probabilities={EVIL: 0.5, f"{EVIL}2": 0.5}),)
        fault = number == 0
        store.close_call(
            call_id,
            ClosedCall(
                CallStatus.INVALID if fault else CallStatus.ANSWERED,
                None if fault else "{}",
                attempts,
                EVIL * 9 if fault else None,
                choices,
            ),
        )
    await store.flush()


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    job = Job(documents=DocumentsConfig(paths=("documents.jsonl",)))
    folder = tmp_path / "runs" / "evil"
    with RunStore.create(folder, name=f"evil {EVIL}", job=job, job_toml="# a job\n", version="1") as store:
        store.add_documents([Document(id=ID, text=f"{EVIL} {LONG}", source=EVIL)])
        asyncio.run(write_calls(store))
        for number in (1, 2):
            store.add_round(ID, made_round(number))
            store.decide(ID, Decision(outcome=Outcome.REJECTED, reason=EVIL, round=number))
        store.add_failure(ID, EVIL, EVIL, EVIL)
        store.add_event(EVIL, EVIL, {EVIL: EVIL})
        store.finish_run("stopped", EVIL)
    return folder


_COMMANDING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def harmless(done: Done) -> Done:
    for text in (done.out, done.err):
        bad = {
            c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
        }
        assert not bad, bad
    return done


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    "words",
    [
        ("calls", "evil"),
        ("calls", "evil", "--status", "invalid"),
        ("calls", "evil", "--re-asked", "--slow", "0.1"),
        ("calls", "evil", "--json"),
        ("tail", "evil", "-n", "100"),
        ("tail", "evil", "-n", "100", "--json"),
        ("anomalies", "evil", "--slow", "1"),
        ("show", "evil"),
        ("show", "evil", ID),
        ("show", "evil", ID, "--json"),
    ],
    ids=lambda words: " ".join(word if word is not ID else "DOCUMENT" for word in words),
)
def test_every_command_prints_text_as_text(guidex: Command, words: tuple[str, ...]) -> None:
    done = harmless(guidex("trace", *words))
    assert done.code == 0 and "evil.test" in done.out
    assert ("\\u001b" if "--json" in words else "\\x1b") in done.out


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize("flags", [(), ("--full",), ("--json",)], ids=" ".join)
def test_every_call_is_printed_as_text(guidex: Command, flags: tuple[str, ...]) -> None:
    calls = guidex("trace", "calls", "evil", "--json").json["shown"]
    assert len(calls) == 4
    for call in calls:
        done = harmless(guidex("trace", "call", "evil", call["id"], *flags))
        assert (done.code == 0 and "\\x1b" in done.out) or "\\u001b" in done.out


@pytest.mark.usefixtures("evil")
def test_what_is_asked_for_is_text_too(guidex: Command) -> None:
    for words, code in (
        (("calls", "evil", "--search", EVIL), 0),
        (("calls", "evil", "--document", ID), 0),
        (("calls", "evil", "--model", EVIL), 0),
        (("call", "evil", EVIL), 2),
        (("show", "evil", f"{ID}?"), 2),
        (("tail", ID), 2),
    ):
        assert harmless(guidex("trace", *words)).code == code, words
