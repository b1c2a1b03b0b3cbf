"""Made-up documents, the same on every machine: what the benchmarks work on."""

from __future__ import annotations

import json
import random
from pathlib import Path

WORDS = [
    "".join(random.Random(seed).choices("etaoinshrdlcumwfgypbvk", k=3 + seed % 9)) for seed in range(8000)
]


def prose(rng: random.Random, characters: int) -> str:
    """So many characters of words that are no words."""
    return " ".join(rng.choices(WORDS, k=characters // 4))[:characters]


def write_documents(path: Path, count: int, characters: int = 2500) -> Path:
    """A JSON Lines file of documents `d0`, `d1` and so on."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = prose(random.Random(number), characters)
            file.write(json.dumps({"id": f"d{number}", "text": text}) + "\n")
    return path
