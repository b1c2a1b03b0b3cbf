"""The live lines: what was spent and will be, the rates, and that they fit."""

from __future__ import annotations

from collections import Counter

import pytest
from rich.cells import cell_len

from agents.llm.client import Attempt, Usage
from agents.llm.factory import ClientPool
from graph.progress import Progress, Taken
from graph.store.records import Totals
from guidex.cli.display import PlainDisplay, fitting, progress_lines
from schemas.judgement import Outcome


def attempt(cost: float | None, tokens: int = 900, answer: int = 100) -> Attempt:
    usage = Usage(input_tokens=tokens, output_tokens=answer)
    return Attempt(number=1, raw="{}", usage=usage, cost=cost)


def progress(*costs: float | None, documents: int = 10, accepted: int = 2, rejected: int = 0) -> Progress:
    made = Progress(documents=documents)
    made.outcomes = Counter({Outcome.ACCEPTED: accepted, Outcome.REJECTED: rejected})
    for cost in costs:
        made.taken.add([attempt(cost)])
    return made


def totals(**sums: int | float) -> Totals:
    return Totals(**{name: 0 for name in Totals.__dataclass_fields__} | sums)  # type: ignore[arg-type]


def test_what_was_spent_is_projected_from_the_documents_that_have_ended() -> None:
    _, takes = progress_lines(progress(0.3, 0.1), seconds=60)
    assert takes == "$0.40 of about $2.00, 2,000 tokens (33/s), 2.0 documents/min, 0 calls in flight"


def test_documents_under_way_are_half_done_in_the_projection() -> None:
    made = progress(0.4, 0.2)
    made.working = 2
    assert made.projected_cost == pytest.approx(0.6 / 3 * 10)


def test_before_the_first_document_has_ended_nothing_is_projected() -> None:
    where, takes = progress_lines(progress(0.5, accepted=0), seconds=60)
    assert where.startswith("0/10 documents, 0 accepted, 0 rejected, ")
    assert takes == "$0.50, 1,000 tokens (17/s), 0 calls in flight"


def test_earlier_sessions_count_in_what_was_spent_and_not_in_the_rates() -> None:
    made = progress(documents=10, accepted=4)
    made.take_up(totals(calls=8, input_tokens=7000, output_tokens=1000, cost=4.0))
    made.outcomes[Outcome.ACCEPTED] += 2
    made.taken.add([attempt(1.0), attempt(1.0)])  # a call with a re-ask
    assert made.taken == Taken(calls=1, tokens=2000, cost=2.0, priced=1)
    _, takes = progress_lines(made, seconds=60)
    assert takes == "$6.00 of about $10.00, 10,000 tokens (33/s), 2.0 documents/min, 0 calls in flight"


def test_an_unknown_price_is_said_and_never_shown_as_nothing() -> None:
    assert progress_lines(progress(None, None), seconds=0)[1].startswith("cost unknown, 2,000 tokens, ")
    assert progress_lines(progress(0.25, None), seconds=0)[1].startswith("at least $0.25 of about $1.25, ")


def test_free_models_have_no_price_to_show() -> None:
    assert progress_lines(progress(0.0, 0.0), seconds=0)[1].startswith("2,000 tokens, ")


def test_the_lines_fit_into_80_columns_for_a_large_run() -> None:
    made = progress(documents=20_000, accepted=9_120, rejected=3_214)
    made.outcomes[Outcome.FAILED] = 311
    made.taken.add([attempt(103.48, tokens=84_000_000)])
    where, takes = progress_lines(made, seconds=3_600)
    assert where.startswith("12,645/20,000 documents, 9,120 accepted, 3,214 rejected, 311 failed, 0:0")
    assert cell_len(where) <= 80
    assert cell_len(takes) <= 100
    assert fitting(takes, 100) == takes
    assert fitting(takes, 80) == takes.rpartition(", ")[0]
    assert fitting(where, 10) == "12,645/20,000 documents"  # cut off where it ends


def test_a_server_that_brings_no_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    made = progress(0.3)
    made.pool = ClientPool()
    assert len(progress_lines(made, seconds=60)) == 2
    monkeypatch.setattr(ClientPool, "silence", (72.0, "no connection"))
    assert progress_lines(made, seconds=60)[2] == "no answers for 1:12 (no connection)"
    monkeypatch.setattr(ClientPool, "silence", (0.5, "429"))  # soon over, as a rule
    assert len(progress_lines(made, seconds=60)) == 2


def test_a_run_that_begins_nothing_more_says_so() -> None:
    made = progress(0.3)
    made.stopping = True
    assert progress_lines(made, seconds=60)[0].endswith(", stopping")


def test_the_plain_display_says_the_same_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = PlainDisplay()
    made = progress(None, accepted=1)
    shown.start(made)
    shown.tick()
    made.taken.add([attempt(None)])
    shown.stop()  # no document more than the line before
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("1/10 documents, 1 accepted, 0 rejected, 0:0")
    assert ", cost unknown, 1,000 tokens, " in line


def test_what_goes_before_the_documents_stands_first_and_each_step_of_it_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = progress(accepted=0)
    display = PlainDisplay()
    display.start(made)
    for stage in ("pilot: proposing classes", "pilot: writing guidelines", "pilot: writing guidelines", ""):
        made.stage = stage
        display.tick()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", ")[0] for line in lines] == [
        "pilot: proposing classes",
        "pilot: writing guidelines",
        "0/10 documents",
    ]
