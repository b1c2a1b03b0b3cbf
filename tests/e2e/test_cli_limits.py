"""Limits of a run from the command line: it stops, says why, can be taken up, and never pays twice."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from commands import Command, PricedJob


@pytest.mark.parametrize(
    ("flag", "limit", "raised", "spent"),
    [
        ("--token-limit", 20_000, 400_000, lambda told: told["input_tokens"] + told["output_tokens"]),
        ("--cost-limit", 40, 800, lambda told: told["cost"]),
    ],
)
def test_a_run_stops_at_its_limit_and_goes_on_when_it_is_raised(
    guidex: Command,
    priced_job: PricedJob,
    flag: str,
    limit: int,
    raised: int,
    spent: Callable[[dict[str, float]], float],
) -> None:
    file, server = priced_job
    stopped = guidex("run", file, flag, limit, "--json")
    assert stopped.code == 75, stopped.err
    told = stopped.json
    assert (told["status"], told["unpriced"]) == ("stopped", 0)
    assert "limit of " in told["reason"] and flag in told["reason"]
    assert told["documents"]["pending"] > 0 and told["documents"]["failed"] == 0
    assert 0.4 * limit < spent(told) <= limit
    # Calls that the limit has kept from being sent are none.
    assert told["calls"] == told["attempts"] == len(server.calls)
    assert guidex("runs", "list", "--json").json[0]["calls"] == told["calls"]
    # Taken up under the same limit it sends nothing more: what the run has spent counts.
    before = len(server.calls)
    assert guidex("run", file, flag, limit, "--json").code == 75
    assert spent(guidex("runs", "show", "keepers", "--json").json) <= limit
    assert len(server.calls) - before <= 12
    done = guidex("run", file, flag, raised, "--json")
    assert (done.code, done.json["documents"]["pending"]) == (0, 0), done.err
    prompts = [call.prompt for call in server.calls]
    assert done.json["attempts"] == len(prompts)
    assert done.json["cost"] == pytest.approx(len(prompts) * 0.95)


def going_on(told: dict[str, list[str]]) -> list[str]:
    """The command by which a run goes on, as its summary proposes it; empty if it proposes none."""
    return [word for line in told["next"] if line.startswith("guidex resume") for word in shlex.split(line)]


@pytest.mark.parametrize(
    ("flag", "limit"),
    [("--token-limit", 20_000), ("--cost-limit", 0.5), ("--max-candidates", 3), ("--target-accepted", 2)],
)
def test_what_is_proposed_after_a_limit_gets_further(
    guidex: Command, priced_job: PricedJob, flag: str, limit: float
) -> None:
    file, _ = priced_job
    file.write_text(
        file.read_text().replace("1000", "10").replace("max_connections = 16", "max_connections = 1")
    )
    told = guidex("run", file, flag, limit, "--json").json
    left = 13
    while (left_now := told["documents"]["pending"]) > 0:
        assert left_now < left, told
        left, proposed = left_now, going_on(told)
        assert proposed[3] == flag
        told = guidex(*proposed[1:], "--json").json
    assert told["status"] == "done" and left < 13 and not going_on(told)


def test_what_is_proposed_after_a_part_takes_up_the_rest(guidex: Command, priced_job: PricedJob) -> None:
    file, _ = priced_job
    stopped = guidex("run", file, "--time-limit", "0.000001s", "--json").json
    assert going_on(stopped) == ["guidex", "resume", "keepers"]  # time is of the session
    some = guidex("run", file, "--limit", 2, "--time-limit", "1h", "--json").json
    assert some["reason"] == "10 of 12 documents were not asked for"
    done = guidex(*going_on(some)[1:], "--json").json
    assert (done["documents"]["accepted"], done["documents"]["pending"]) == (12, 0) and not going_on(done)


def test_a_cost_limit_needs_every_price(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    done = guidex("run", file, "--model", "openai/other", "--base-url", server.openai_url, "--cost-limit", 5)
    assert done.code == 2
    assert "price" in done.err and '[prices."openai/other"]' in done.err
    assert not server.calls and not Path("runs/keepers").exists()


def test_an_unknown_price_is_said_in_the_summary(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    other = ("--model", "openai/other", "--base-url", server.openai_url)
    done = guidex("run", file, *other, "--limit", 2)
    assert done.code == 0, done.err
    (line,) = [line for line in done.out.splitlines() if line.startswith("cost")]
    assert line.split()[1] == "unknown" and '[prices."openai/other"]' in done.out
    assert "cost unknown" in done.err
    assert guidex("runs", "show", "keepers", "--json").json["cost"] is None


def test_the_time_limit_ends_a_session_and_not_the_run(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    stopped = guidex("run", file, "--time-limit", "0.000001s", "--json")
    assert stopped.code == 75
    assert "time limit" in stopped.json["reason"]
    assert (stopped.json["documents"]["pending"], len(server.calls)) == (12, 0)
    assert guidex("run", file, "--time-limit", "2h").code == 0
    wrong = guidex("run", file, "--time-limit", "soon")
    assert wrong.code == 2 and "limits.time: write it as 90, 90s, 15m or 2h." in wrong.err


def test_a_limit_holds_over_sessions_though_the_server_counts_nothing(
    guidex: Command, priced_job: PricedJob
) -> None:
    file, server = priced_job
    counted = server.script
    assert callable(counted)
    server.script = lambda call: replace(counted(call), input_tokens=0, output_tokens=0)
    sent = [0]
    for _ in range(3):
        done = guidex("run", file, "--token-limit", 40_000, "--json")
        assert done.code == 75 and "put down for lost requests" in done.json["reason"]
        sent.append(len(server.calls))
    assert sent[1] > 4
    # Not as much again in each session; a little more, as only the messages of a request are kept.
    assert sent[3] < 2.5 * sent[1]


def test_a_run_ends_with_as_many_accepted_as_wanted(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    one = ("--documents-in-flight", 1, "--json")
    done = guidex("run", file, "--target-accepted", 3, *one)
    assert done.code == 0
    assert (done.json["documents"]["accepted"], done.json["documents"]["pending"]) == (3, 9)
    assert "3 wanted" in done.json["reason"]
    sent = len(server.calls)
    assert guidex("run", file, "--target-accepted", 3, *one).json["documents"]["accepted"] == 3
    assert len(server.calls) == sent


def test_a_limit_in_the_job_file_holds_for_resume(guidex: Command, priced_job: PricedJob) -> None:
    file, _ = priced_job
    file.write_text(file.read_text() + "\n[limits]\ntokens = 30000\n")
    assert guidex("run", file).code == 75
    assert guidex("resume", "keepers").code == 75
    assert guidex("resume", "keepers", "--token-limit", 1_000_000).code == 0
