"""CrossNER as documents and gold of an experiment: sentences drawn from a split, and the classes of a domain.

CrossNER (Liu et al. 2021, MIT licence) is not part of this repository: https://github.com/zliucr/CrossNER.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.gold import GoldDocument, class_of, read_gold

LEFT_OUT = "misc"
"""The label of whatever has no other. It stands for no class that could be annotated, and is left out as
UniNER, GNER and B2NER do; GoLLIE and GuideX keep it, which costs about two points of F1."""


@dataclass(frozen=True)
class Domain:
    """Sentences of one domain.

    Attributes:
        name: As the folder is called.
        classes: All of its classes, by name.
        sentences: Those that were drawn, in order of the draw.
    """

    name: str
    classes: tuple[str, ...]
    sentences: tuple[GoldDocument, ...]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write the sentences without and with their mentions (JSON Lines), and give both paths."""
        folder.mkdir(parents=True, exist_ok=True)
        documents, gold = folder / "documents.jsonl", folder / "gold.jsonl"
        records = [
            {
                "id": f"{self.name}-{number}",
                "text": sentence.text,
                "entities": [
                    {"start": mention.start, "end": mention.end, "label": class_of(mention.label)}
                    for mention in sentence.mentions
                    if mention.label != LEFT_OUT
                ],
            }
            for number, sentence in enumerate(self.sentences)
        ]
        documents.write_text(
            "".join(json.dumps({"id": record["id"], "text": record["text"]}) + "\n" for record in records),
            encoding="utf-8",
        )
        gold.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return documents, gold


def draw(folder: Path, name: str, split: str, sentences: int, seed: int) -> Domain:
    """Draw sentences of a domain.

    Args:
        folder: The unpacked data set: a folder for each domain, with `dev.txt` and `test.txt`.
        name: Of the domain.
        split: `dev` or `test`.
        sentences: How many; all if there are fewer.
        seed: Of the draw; the domain's name goes into it.
    """
    splits = {part: read_gold([folder / name / f"{part}.txt"]).documents for part in ("dev", "test")}
    labels = {
        mention.label for documents in splits.values() for one in documents for mention in one.mentions
    } - {LEFT_OUT}
    chosen = splits[split]
    drawn: Sequence[GoldDocument] = random.Random(f"{seed} {name}").sample(
        chosen, min(sentences, len(chosen))
    )
    return Domain(name, tuple(sorted(map(class_of, labels))), tuple(drawn))
