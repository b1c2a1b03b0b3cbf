"""Gold that models are measured on, with the classes they are asked about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from finetune.gold import GoldDocument, class_of, read_gold
from schemas.errors import UsageError
from schemas.evaluation import EvaluationConfig, Misc
from schemas.given import read_schema
from schemas.schema import AnnotationSchema, ClassSpec

CROSSNER: Final = "crossner"
DOMAINS: Final = ("ai", "literature", "music", "politics", "science")
"""Of CrossNER (Liu et al. 2021, MIT licence), as its folders are called."""

MISC: Final = "misc"
"""CrossNER's label of whatever has no other."""

_GUIDELINES = Path(__file__).with_name("guidelines") / "crossner.json"
_ENDINGS = (".jsonl", ".ndjson", ".json", ".txt", ".conll", ".bio", ".tsv")


class GoldSentence(NamedTuple):
    """A text with its gold.

    Attributes:
        id: As given, or its domain and number.
        text: The text; offsets count its code points.
        mentions: (start, end, class), in order.
    """

    id: str
    text: str
    mentions: tuple[tuple[int, int, str], ...]


class Domain(NamedTuple):
    """Sentences that are asked about with one schema.

    Attributes:
        name: Its name.
        annotation_schema: The classes with their guidelines.
        sentences: In the order of the file, or of the draw.
    """

    name: str
    annotation_schema: AnnotationSchema
    sentences: tuple[GoldSentence, ...]


class Benchmark(NamedTuple):
    """What models are measured on.

    Attributes:
        name: Its name.
        domains: At least one.
        about: Settings that figures depend on, in words.
    """

    name: str
    domains: tuple[Domain, ...]
    about: dict[str, str]


def read_benchmark(config: EvaluationConfig, seed: int = 0) -> Benchmark:
    """Read gold and its schemas.

    Every class of the schema is asked about in every sentence of its domain. Without a schema, the bare names
    of the labels are the classes.

    Args:
        config: Which gold, and how much of it.
        seed: Of the draw, where only some sentences are taken; the domain's name goes into it.

    Raises:
        UsageError: There is no such benchmark, or its schema lacks a class of the gold.
        DocumentError: The gold cannot be read.
    """
    if config.benchmark is None:
        raise UsageError("Nothing was named to measure on.", "Name it with --benchmark, or in [evaluation].")
    if config.benchmark == CROSSNER:
        found, schemas = _crossner(config), _guidelines(config.misc)
        name, dropped = f"CrossNER {config.split}", MISC if config.misc is Misc.DROP else None
    else:
        found, schemas, dropped = _files(Path(config.benchmark)), {}, None
        name = Path(config.benchmark).resolve().name
    if config.schema_file is not None:
        schemas = _given(Path(config.schema_file), found)
    wanted = config.domains or tuple(found)
    if unknown := [each for each in wanted if each not in found]:
        raise UsageError(
            f"{name} has no domain {', '.join(map(repr, unknown))}.", f"It has: {', '.join(found)}."
        )
    domains = tuple(
        _domain(each, found[each], schemas.get(each), dropped, config.sentences, seed) for each in wanted
    )
    return Benchmark(name, domains, _about(config, dropped, seed))


def _about(config: EvaluationConfig, dropped: str | None, seed: int) -> dict[str, str]:
    about = {}
    if config.benchmark == CROSSNER:
        about["misc"] = (
            "dropped, as by UniNER, GNER and B2NER" if dropped else "kept, as by GoLLIE and GuideX"
        )
    if config.sentences is not None:
        about["sentences"] = f"at most {config.sentences} of each domain, drawn with seed {seed}"
    if config.benchmark != CROSSNER or config.schema_file is not None:
        about["guidelines"] = Path(config.schema_file).name if config.schema_file else "bare names of classes"
    else:
        about["guidelines"] = "GuideX's own for CrossNER"
    return about


def _domain(
    name: str,
    documents: tuple[GoldDocument, ...],
    schema: AnnotationSchema | None,
    dropped: str | None,
    most: int | None,
    seed: int,
) -> Domain:
    if schema is None:
        labels = sorted({mention.label for one in documents for mention in one.mentions} - {dropped})
        if not labels:
            raise UsageError(f"The gold of {name} has no mention.", "Name its classes with --schema.")
        schema = AnnotationSchema(classes=tuple(map(_bare, dict.fromkeys(map(class_of, labels)))))
    drawn = list(enumerate(documents))
    if most is not None and most < len(drawn):
        drawn = Random(f"{seed} {name}").sample(drawn, most)
    sentences = tuple(_sentence(f"{name}-{number}", one, dropped) for number, one in drawn)
    lacking = {label for one in sentences for *_, label in one.mentions} - set(schema.names)
    if lacking:
        raise UsageError(
            f"The schema of {name} has no class {', '.join(sorted(lacking))}, which the gold has.",
            "Name it in the schema as the label is written, or in CapWords.",
        )
    return Domain(name, schema, sentences)


def _bare(name: str) -> ClassSpec:
    """A class that has nothing but its name."""
    try:
        return ClassSpec(name=name)
    except ValueError as error:
        raise UsageError(
            f"No class can be named after the label {name!r} of the gold.",
            "Write a label of Latin letters and digits.",
        ) from error


def _sentence(identifier: str, one: GoldDocument, dropped: str | None) -> GoldSentence:
    mentions = tuple(
        (mention.start, mention.end, class_of(mention.label))
        for mention in one.mentions
        if mention.label != dropped
    )
    return GoldSentence(one.id or identifier, one.text, mentions)


def _crossner(config: EvaluationConfig) -> dict[str, tuple[GoldDocument, ...]]:
    if config.data is None:
        raise UsageError(
            "CrossNER is no part of GuideX.",
            "Name its folder, which holds one for each domain, with --data (github.com/zliucr/CrossNER).",
        )
    names = config.domains or DOMAINS
    paths = {name: Path(config.data) / name / f"{config.split}.txt" for name in names if name in DOMAINS}
    return {name: read_gold([path], distinct=False).documents for name, path in paths.items()}


def _guidelines(misc: Misc) -> dict[str, AnnotationSchema]:
    written = json.loads(_GUIDELINES.read_text("utf-8"))
    schemas = {
        name: read_schema(json.dumps(each), "crossner.json").annotation_schema
        for name, each in written.items()
    }
    if misc is Misc.KEEP:
        return schemas
    return {
        name: schema.model_copy(
            update={"classes": tuple(spec for spec in schema.classes if spec.name != class_of(MISC))}
        )
        for name, schema in schemas.items()
    }


def _files(path: Path) -> dict[str, tuple[GoldDocument, ...]]:
    """A file as one domain, or each file of a folder as one."""
    if not path.is_dir():
        return {path.stem: read_gold([path], distinct=False).documents}
    files = sorted(
        each for each in path.iterdir() if each.suffix.lower() in _ENDINGS and each.name != "schema.json"
    )
    if not files:
        raise UsageError(f"There is no gold in {path.as_posix()}.", f"It ends in {' '.join(_ENDINGS)}.")
    names = [each.stem for each in files]
    if again := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(
            f"Two files of {path.as_posix()} are called {again!r}.", "Each file is a domain of its own name."
        )
    return {each.stem: read_gold([each], distinct=False).documents for each in files}


def _given(path: Path, found: Mapping[str, object]) -> dict[str, AnnotationSchema]:
    """A schema file for all domains, or a folder with one for each, named after it."""
    if path.is_dir():
        files = ((name, path / f"{name}{ending}") for name in found for ending in (".py", ".json"))
        return {name: _read(each) for name, each in files if each.is_file()}
    return dict.fromkeys(found, _read(path))


def _read(path: Path) -> AnnotationSchema:
    try:
        return read_schema(path.read_text("utf-8"), path.name).annotation_schema
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The schema {path.as_posix()} cannot be read.", "Check the path.") from error
