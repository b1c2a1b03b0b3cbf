"""Gold with the classes that models are asked about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.evaluation.benchmarks import DOMAINS, read_benchmark
from finetune.evaluation.scoring import Measure, score_answer
from schemas.errors import UsageError
from schemas.evaluation import EvaluationConfig, Misc

CROSSNER = Path(__file__).parents[3] / "shared" / "data" / "crossner"
needs_crossner = pytest.mark.skipif(not CROSSNER.is_dir(), reason="CrossNER is not beside GuideX")

BIO = "Ann\tB-person\nsaw\tO\nOslo\tB-location\n\nNothing\tO\n\n"


@needs_crossner
def test_every_label_of_crossner_has_a_class_with_a_guideline_of_its_own() -> None:
    made = read_benchmark(EvaluationConfig(benchmark="crossner", data=str(CROSSNER)))
    assert [domain.name for domain in made.domains] == list(DOMAINS)
    assert [len(domain.sentences) for domain in made.domains] == [431, 416, 465, 651, 543]
    for domain in made.domains:
        mentioned = {name for one in domain.sentences for *_, name in one.mentions}
        assert mentioned == set(domain.annotation_schema.names)
        for spec in domain.annotation_schema.classes:
            assert spec.guideline.definition
            assert {each.sibling for each in spec.guideline.contrast} <= mentioned


@needs_crossner
def test_misc_is_kept_or_dropped_on_both_sides_and_told() -> None:
    config = EvaluationConfig(benchmark="crossner", data=str(CROSSNER), domains=("ai",), sentences=60)
    kept, dropped = (read_benchmark(config.model_copy(update={"misc": misc})) for misc in Misc)
    assert "Misc" in kept.domains[0].annotation_schema.names
    assert "Misc" not in dropped.domains[0].annotation_schema.names
    assert not any(name == "Misc" for one in dropped.domains[0].sentences for *_, name in one.mentions)
    texts, others = ([one.text for one in made.domains[0].sentences] for made in (kept, dropped))
    assert texts == others
    assert "kept" in kept.about["misc"] and "dropped" in dropped.about["misc"]


@needs_crossner
def test_an_answer_with_all_of_the_gold_is_worth_all_of_it() -> None:
    made = read_benchmark(EvaluationConfig(benchmark="crossner", data=str(CROSSNER), sentences=40))
    for domain in made.domains:
        for one in domain.sentences:
            listed = ", ".join(f"{name}(span={one.text[a:b]!r})" for a, b, name in one.mentions)
            counts = score_answer(f" [{listed}]", False, one, domain.annotation_schema).counts
            assert all(not (each.wrong or each.missed) for each in counts[Measure.GOLLIE_FILTERED].values())


def test_a_file_without_a_schema_is_asked_about_by_the_names_of_its_labels(tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text(BIO)
    (domain,) = read_benchmark(EvaluationConfig(benchmark=str(tmp_path / "news.txt"))).domains
    assert domain.name == "news" and set(domain.annotation_schema.names) == {"Person", "Location"}
    assert [one.mentions for one in domain.sentences] == [((0, 3, "Person"), (8, 12, "Location")), ()]


def test_each_file_of_a_folder_is_a_domain_with_its_schema(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(BIO)
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    for name in ("one", "two"):
        classes = [{"name": "Person", "definition": f"of {name}"}, {"name": "Location"}]
        (schemas / f"{name}.json").write_text(json.dumps(classes))
    made = read_benchmark(EvaluationConfig(benchmark=str(tmp_path), schema_file=str(schemas)))
    definitions = [each.annotation_schema.classes[0].guideline.definition for each in made.domains]
    assert definitions == ["of one", "of two"]


def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text(BIO)
    (tmp_path / "schema.json").write_text('["Person"]')
    gold = str(tmp_path / "news.txt")
    with pytest.raises(UsageError, match="no class Location"):
        read_benchmark(EvaluationConfig(benchmark=gold, schema_file=str(tmp_path / "schema.json")))
    with pytest.raises(UsageError, match="has no domain 'law'"):
        read_benchmark(EvaluationConfig(benchmark=gold, domains=("law",)))
    with pytest.raises(UsageError, match="no part of GuideX"):
        read_benchmark(EvaluationConfig(benchmark="crossner"))
    with pytest.raises(UsageError, match="Nothing was named"):
        read_benchmark(EvaluationConfig())


def test_labels_that_are_one_name_are_one_class(tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text("Ann\tB-person\nmet\tO\nBob\tB-Person\n")
    (domain,) = read_benchmark(EvaluationConfig(benchmark=str(tmp_path / "news.txt"))).domains
    assert domain.annotation_schema.names == ("Person",)
    assert domain.sentences[0].mentions == ((0, 3, "Person"), (8, 11, "Person"))


def test_gold_that_gives_no_domains_or_classes_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text("Ann\tB-\u4eba\n", "utf-8")
    with pytest.raises(UsageError, match="named after the label"):
        read_benchmark(EvaluationConfig(benchmark=str(tmp_path / "news.txt")))
    (tmp_path / "news.conll").write_text(BIO)
    with pytest.raises(UsageError, match="are called 'news'"):
        read_benchmark(EvaluationConfig(benchmark=str(tmp_path)))
