"""bespokelabs-curator as a contender of `throughput.py`; runs in a virtual environment of its own.

    PEER/bin/python benchmarks/peer_curator.py --url http://127.0.0.1:8000 --requests FILE --connections 128

One `curator.LLM` a step, each over all documents, as its users chain them; no viewer, a fresh cache folder.
"""

from __future__ import annotations

import json
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from peer_requests import STEPS, finished, options, rows


def main() -> None:
    given = options(__doc__)
    litellm = find_spec("litellm")
    assert litellm and litellm.origin, "curator comes with litellm"
    os.environ |= {
        "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "OPENAI_API_KEY": "none",
        # curator counts tokens by an encoding that is fetched from the network unless it is cached.
        "TIKTOKEN_CACHE_DIR": str(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"),
    }
    from bespokelabs import curator

    class Step(curator.LLM):  # type: ignore[misc]
        def prompt(self, input: dict[str, Any]) -> list[dict[str, str]]:
            messages: list[dict[str, str]] = json.loads(input["messages"])
            return messages

        def parse(self, input: dict[str, Any], response: Any) -> dict[str, Any]:
            return {"answer": response.model_dump_json()}

    backend = {
        "base_url": f"{given.url}/v1",
        "max_concurrent_requests": given.connections,
        "max_requests_per_minute": 10_000_000,
        "max_tokens_per_minute": 10_000_000_000,
        "require_all_responses": False,
    }
    made = 0
    with tempfile.TemporaryDirectory() as cache, finished() as told:
        for number, answer in enumerate(STEPS):
            step = Step("gpt-4o-mini", response_format=answer, backend="openai", backend_params=backend)
            answered = step(rows(given.requests, number), working_dir=cache)
            made += len(answered.dataset)
        told["answered"] = made


if __name__ == "__main__":
    main()
