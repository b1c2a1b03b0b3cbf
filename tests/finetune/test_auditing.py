"""The audit: labels and texts of evaluation sets that training has seen are found, others are not."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from annotated_sources import source
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import tiny_model

from finetune.examples.auditing import Comparison, EvaluationSet, audited, familiarity
from finetune.examples.names import embedding_similarity, is_same, nearest, string_similarity
from guidex.cli import main
from guidex.training import blocking_of

SENTENCE = (
    "The ferry to the northern islands left the old harbour of Oslo at noon , as it had for forty years ."
)
PAGE = (
    "It was a cold morning. The ferry to the northern islands left the old harbour of Oslo at noon, as it "
    "had for forty years. Nobody on the pier had expected that it would be the last time. Ada Lovelace waved."
)
OTHER = (
    "Completely different words stand in this sentence , which no document of the training data ever had ."
)
counts = st.dictionaries(
    st.sampled_from(["City", "Town", "Person", "MusicalArtist", "Band"]), st.integers(0, 30), max_size=5
)


@given(counts, st.integers(1, 40))
def test_familiarity_is_the_zipf_weighted_mean_over_single_mentions(
    training: dict[str, int], most: int
) -> None:
    alike = {
        name: 1.0 if name == "Person" else string_similarity("person", nearest(name, [name])[0].lower())
        for name in training
    }
    table = {frozenset(("person", name)): score for name, score in alike.items()}
    made = familiarity(
        "person", training, lambda one, other: table[frozenset((one, other.title().replace(" ", "")))], most
    )
    mentions = sorted((alike[name] for name, count in training.items() for _ in range(count)), reverse=True)[
        :most
    ]
    weights = [1 / rank for rank in range(1, len(mentions) + 1)]
    expected = sum(map(float.__mul__, weights, mentions)) / sum(weights) if mentions else 0.0
    assert made == pytest.approx(expected)


def test_familiarity_is_one_where_all_is_the_label_and_grows_with_its_share() -> None:
    assert familiarity("persons", {"Person": 3}) == 1
    assert familiarity("person", {}) == 0
    by_share = [familiarity("person", {"Person": count, "Xyz": 2000}) for count in (0, 1, 10, 1000)]
    assert by_share == sorted(by_share) and by_share[-1] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("musicalartist", "MusicalArtist"),
        ("Musical_Artists", "musical artist"),
        ("CITIES", "City"),
        ("HTTPServer", "http_servers"),
    ],
)
def test_names_are_the_same_whatever_their_form(one: str, other: str) -> None:
    assert is_same(one, other)
    assert nearest(one, ["Nothing", other]) == (other, 1.0)


def test_labels_are_exact_near_or_new_by_whatever_similarity() -> None:
    training = [
        source(
            "a", "Ada Lovelace in Oslo", {"Person": ["Ada Lovelace"], "MusicalArtist": [], "City": ["Oslo"]}
        ),
        source("b", "Quito", {"Book": ["Quito"], "Author": []}, unknown=("Book",)),
    ]
    gold = EvaluationSet(
        "gold", {"person": 5, "musicalartists": 2, "authors": 1, "autor": 1, "book": 1, "song": 3}, {}
    )
    (made,) = audited(training, [gold]).sets
    matches = {match.label: match for match in made.by_label}
    assert {label for label, match in matches.items() if match.exact} == {
        "person",
        "musicalartists",
        "authors",
    }
    assert (matches["autor"].nearest, matches["autor"].exact) == ("Author", False)
    assert (made.labels, made.labels_exact, made.labels_near) == (6, 3, 1)
    assert (made.mentions, made.mentions_exact) == (13, 8)
    assert made.familiarity == pytest.approx(sum(match.familiarity for match in matches.values()) / 6)
    assert matches["book"].nearest != "Book"  # in dispute, and so not shown in training
    (by_meaning,) = audited(
        training, [gold], names=Comparison(lambda one, other: float(other == "city"))
    ).sets
    assert {match.label for match in by_meaning.by_label if match.nearest == "City"} == {
        "autor",
        "book",
        "song",
    }
    assert by_meaning.labels_near == 3


def test_embeddings_are_made_once_for_each_name() -> None:
    numpy = pytest.importorskip("numpy")
    asked: list[str] = []

    def embed(names: list[str]) -> object:
        asked.extend(names)
        return numpy.array([[len(name), 1.0 if "a" in name else -1.0] for name in names])

    similarity = embedding_similarity(embed)  # type: ignore[arg-type]
    for one, other in itertools.product(("ab", "cd", "ef"), repeat=2):
        assert 0 <= similarity(one, other) <= 1
        assert similarity(one, one) == pytest.approx(1)
    assert sorted(asked) == ["ab", "cd", "ef"]


def test_texts_are_found_by_runs_of_words_and_as_near_copies() -> None:
    pytest.importorskip("datasketch")
    near = OTHER.replace("ever", "never")
    gold = EvaluationSet(
        "gold",
        {},
        {
            "g:1": SENTENCE,
            "g:2": OTHER,
            "g:3": "Ada Lovelace waved.",
            "g:4": "the last time . ada lovelace waved .",
        },
    )
    training = [source("page", PAGE, {"City": ["Oslo"]})]
    (made,) = audited(training, [gold]).sets
    assert (made.texts, made.texts_short) == (4, 1)
    assert [match.place for match in made.worst] == ["g:1", "g:4"]
    first = made.worst[0]
    assert (first.document, first.copied, first.text) == ("page", 1.0, SENTENCE)
    assert made.texts_copied == 2 and made.texts_affected == 2
    (made,) = audited([*training, source("near", near, {"X": []})], [gold]).sets
    assert made.texts_near >= 1
    assert {match.place: match.document for match in made.worst}["g:2"] == "near"
    (made,) = audited(
        [source("far", "Nothing in common with any of those.", {"X": []})], [gold], worst=1
    ).sets
    assert (made.texts_affected, made.worst) == (0, ())


def test_the_command_reads_an_export_and_folders_of_gold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("datasketch")
    code = '@dataclass\nclass City(Entity):\n    span: str\n\n\ntext = "%s"\nresult = [City(span="Oslo")]\n'
    data = tmp_path / "gollie.jsonl"
    data.write_text(json.dumps({"ids": ["page"], "text": code % PAGE}) + "\n", "utf-8")
    (tmp_path / "gold" / "travel").mkdir(parents=True)
    (tmp_path / "gold" / "README.md").write_text("not gold", "utf-8")
    tagged = "\n".join(f"{word}\t{'B-city' if word == 'Oslo' else 'O'}" for word in SENTENCE.split())
    (tmp_path / "gold" / "travel" / "test.txt").write_text(f"{tagged}\n\nNowhere\tB-place\n", "utf-8")
    assert main(["audit", str(data), "--against", str(tmp_path / "gold"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (one,) = report["sets"]
    assert (one["labels"], one["labels_exact"], one["texts_copied"], one["mentions_exact"]) == (2, 1, 1, 1)
    assert one["name"].endswith("travel/test.txt")
    assert main(["audit", str(data), "--against", str(tmp_path / "gold")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "City: the same as City" in said and "50.0% of the texts affected" in said
    assert main(["audit", str(data), "--against", str(tmp_path / "gold"), "--which", "rejected"]) == 2
    assert "only a run has documents by outcome" in capsys.readouterr().err
    (tmp_path / "none").mkdir()
    assert main(["audit", str(data), "--against", str(tmp_path / "none")]) == 2
    assert "no evaluation set" in capsys.readouterr().err


def test_without_datasketch_the_command_says_what_to_install(tmp_path: Path) -> None:
    data = tmp_path / "gollie.jsonl"
    row = {"ids": ["a"], "text": 'class A:\n    span: str\ntext = "b"\nresult = []'}
    data.write_text(json.dumps(row) + "\n", "utf-8")
    (tmp_path / "gold.txt").write_text("Oslo\tB-city\n", "utf-8")
    without = (
        "import sys; sys.modules.update(datasketch=None, torch=None); from guidex.cli import main; "
        f"sys.exit(main(['audit', {str(data)!r}, '--against', {str(tmp_path / 'gold.txt')!r}]))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", without],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "pip install -e '.[finetune]'" in done.stderr and "Traceback" not in done.stderr


def test_names_are_compared_by_the_embeddings_of_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    base = tiny_model(tmp_path / "base")
    data, gold, labels = tmp_path / "rows.jsonl", tmp_path / "gold.txt", tmp_path / "labels.txt"
    row = {"ids": ["a"], "text": 'class Place:\n    span: str\ntext = "Oslo"\nresult = [Place(span="Oslo")]'}
    data.write_text(json.dumps(row) + "\n", "utf-8")
    gold.write_text("Oslo\tB-places\nOslo\tB-xyz\n", "utf-8")
    labels.write_text("places\nxyz\n", "utf-8")
    assert main(["audit", str(data), "--against", str(gold), "--embed", str(base), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["near"] == 0.55 and str(base) in report["names_by"]
    by_label = {each["label"]: each for each in report["sets"][0]["by_label"]}
    assert by_label["Places"]["exact"] and not by_label["Xyz"]["exact"]
    blocking = blocking_of(labels, embedded_by=str(base))
    assert blocking.similarity("place", "place") == pytest.approx(1)
    assert blocking.similarity("place", "xyz") == pytest.approx(by_label["Xyz"]["similarity"])
    assert blocking_of(labels, near=0.7).threshold == 0.7
