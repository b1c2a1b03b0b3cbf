"""What a run has spent so far, for the limits that hold over all its sessions."""

from __future__ import annotations

from collections.abc import Mapping

from agents.llm.budget import Spent
from agents.llm.client import Usage
from agents.llm.names import resolve
from agents.llm.prices import Price, price_of
from graph.store.reading import RunReader
from schemas.job import Job


def spent_before(reader: RunReader, job: Job) -> tuple[Spent, Spent]:
    """Tokens and USD of all attempts of earlier sessions: what is known, and what is put down for the rest.

    Attempts that were made when their price was not known are priced as the job says now. Of requests that
    were lost, and of those under way when the process died, nobody knows what they took: each counts as much
    as the dearest attempt of the run, or where its server counts nothing, as prompt and answer can at most.

    Args:
        reader: Of the run.
        job: As it goes on.
    """
    totals = reader.totals()
    cost = totals.cost
    prices = _prices(job)
    for provider, model, base_url, *tokens in reader.rows(
        """SELECT c.provider, c.model, c.base_url, a.input_tokens, a.output_tokens, a.cached_tokens
        FROM attempts a JOIN calls c ON c.id = a.call_id
        WHERE a.cost IS NULL AND a.input_tokens + a.output_tokens > 0"""
    ):
        price = prices.get((provider, model, base_url))
        if price is not None:
            usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1], cached_tokens=tokens[2])
            cost += price.cost(usage)
    ((lost, most_tokens, most_cost),) = reader.rows(
        """SELECT (SELECT count(*) FROM calls WHERE status = 'interrupted')
            + coalesce(sum(cost IS NULL AND input_tokens + output_tokens = 0), 0),
            coalesce(max(input_tokens + output_tokens), 0), coalesce(max(cost), 0.0) FROM attempts"""
    )
    known = Spent(totals.input_tokens + totals.output_tokens, cost)
    assumed = Spent(lost * most_tokens, lost * most_cost)
    if lost and not all(assumed):
        bound = _at_most(reader, prices)
        assumed = Spent(assumed.tokens or bound.tokens, assumed.cost or bound.cost)
    return known, assumed


def _at_most(reader: RunReader, prices: Mapping[tuple[str, str, str | None], Price | None]) -> Spent:
    """What the lost requests can have taken: a token has a byte at least, and an answer a limit."""
    tokens, cost = 0, 0.0
    for provider, model, base_url, answer, prompt, times in reader.rows(
        """SELECT provider, model, base_url, json_extract(sampling, '$.max_tokens'),
            (SELECT coalesce(sum(length(CAST(t.text AS BLOB))), 0)
             FROM call_messages m JOIN texts t ON t.id = m.text_id WHERE m.call_id = c.id),
            (status = 'interrupted') + (SELECT count(*) FROM attempts a WHERE a.call_id = c.id
             AND a.cost IS NULL AND a.input_tokens + a.output_tokens = 0) AS times
        FROM calls c WHERE times > 0"""
    ):
        price = prices.get((provider, model, base_url))
        tokens += times * (prompt + answer)
        cost += times * price.bound(prompt, answer) if price is not None else 0.0
    return Spent(tokens, cost)


def _prices(job: Job) -> dict[tuple[str, str, str | None], Price | None]:
    """Prices by what calls are stored with."""
    models = [resolve(config) for config in job.models]
    return {(m.provider, m.model, m.base_url): price_of(m, job.prices) for m in models}
