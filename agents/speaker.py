"""An agent's line to its model: the client with the settings that go with the agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.llm.client import AnswerT, CallFailedError, Client, Message, Purpose, Reply, Request, Sampling
from schemas.job import Profile


@dataclass(frozen=True)
class Speaker:
    """A client, the prompt profile that suits its model, and how to sample.

    Attributes:
        client: Speaks to the model.
        profile: Which prompts it is given.
        sampling: How answers are drawn.
        schema_first: Documents share one schema: it may go before the document (`agents.prompting.messages`).
        classes_at_once: Most classes that an annotator is asked about in one call; None for all.
    """

    client: Client
    profile: Profile
    sampling: Sampling
    schema_first: bool = False
    classes_at_once: int | None = None

    async def ask(
        self,
        messages: tuple[Message, ...],
        answer: type[AnswerT],
        purpose: Purpose,
        checks: Mapping[str, Any] | None = None,
        grammar: str | None = None,
        choices: Sequence[str] = (),
    ) -> Reply[AnswerT]:
        """Put one question; see `Client.ask`.

        Raises:
            CallFailedError: No usable answer.
        """
        request = Request(
            messages=messages,
            answer=answer,
            sampling=self.sampling.drawn_anew(purpose.draw),
            purpose=purpose,
            checks=checks,
            grammar=grammar if self.client.takes_grammar else None,
            choices=choices if self.client.gives_probabilities else (),
        )
        try:
            return await self.client.ask(request)
        except CallFailedError as error:
            error.agent = purpose.agent
            raise
