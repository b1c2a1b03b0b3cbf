"""What follows from a request that brought no answer, by status and headers."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.setbacks import Kind, seconds_to_wait, setback

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        # A budget that is used up says when it is filled again; one that is not plays no part.
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "850ms"}, 0.85),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "tomorrow"}, None),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:20Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:30+00:00",
            },
            30,
        ),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "never",
            },
            None,
        ),
        ({"retry-after": "1", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}, 1),
    ],
)
def test_servers_say_in_many_ways_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(headers, NOW) == (seconds if seconds is None else pytest.approx(seconds))


NAMES = ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "anthropic-ratelimit-tokens-reset"]
SPENT = {"x-ratelimit-remaining-requests": "0", "anthropic-ratelimit-tokens-remaining": "0"}


@given(
    st.dictionaries(st.sampled_from(NAMES), st.text() | st.from_regex(r"[0-9hms.:TZ+-]{1,12}"), max_size=4)
)
def test_any_headers_are_read_as_a_time_or_none(headers: dict[str, str]) -> None:
    told = seconds_to_wait(SPENT | headers, NOW)
    assert told is None or 0 <= told < float("inf")


def _refusal(sdk: Any, status: int, message: str = "no", **headers: str) -> Exception:
    request = httpx2.Request("POST", "http://localhost/v1")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=names, request=request)
    error: Exception = sdk.APIStatusError(message, response=response, body=None)
    return error


@pytest.mark.parametrize("sdk", [openai, anthropic], ids=lambda sdk: sdk.__name__)
def test_statuses_are_told_apart(sdk: Any) -> None:
    kinds = {
        status: setback(_refusal(sdk, status), sdk) for status in (400, 401, 404, 408, 409, 413, 422, 429)
    }
    assert {status for status, told in kinds.items() if told.kind is Kind.FINAL} == {400, 401, 404, 413, 422}
    assert kinds[408].kind is kinds[409].kind is Kind.REPEAT
    assert kinds[429].kind is Kind.WAIT and kinds[429].overload
    for status in (500, 502, 503, 504, 529):
        told = setback(_refusal(sdk, status, retry_after="3"), sdk)
        assert told.kind is (Kind.REPEAT if status == 500 else Kind.DOWN) and told.wait == 3
        assert told.overload is (status in (503, 529)) and told.cause == str(status)
    assert setback(_refusal(sdk, 500, x_should_retry="false"), sdk).kind is Kind.FINAL
    assert setback(_refusal(sdk, 429, "insufficient_quota"), sdk).kind is Kind.NO_CREDIT
    assert setback(_refusal(sdk, 400, "Your credit balance is too low"), sdk).kind is Kind.NO_CREDIT
    assert setback(KeyError("choices"), sdk).kind is Kind.FINAL
    assert setback(TimeoutError(), sdk).overload
