"""Documents that filters and the sample leave out: which, why, and the same ones in any order."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_files import write

from graph.documents import documents_of
from schemas.documents import Document, LeftOut, Unreadable
from schemas.errors import UsageError
from schemas.inputs import DocumentsConfig

_ENGLISH = "The ship sailed from the harbour in the morning and nobody knew when she would come back again."
_GERMAN = (
    "Das Schiff lief am Morgen aus dem Hafen aus, und niemand wusste, wann es wieder zurückkommen würde."
)


def _config(path: Path, **keys: object) -> DocumentsConfig:
    return DocumentsConfig.model_validate({"paths": [str(path)], **keys})


def _read(path: Path, seed: int = 0, **keys: object) -> tuple[list[str], dict[str, LeftOut]]:
    items = list(documents_of(_config(path, **keys), seed))
    assert not any(isinstance(item, Unreadable) for item in items)
    left_out = {item.id: item for item in items if isinstance(item, LeftOut)}
    return [item.id for item in items if isinstance(item, Document)], left_out


def test_documents_are_left_out_by_length(tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": " ".join(["word"] * n)} for n in (1, 2, 3, 4)]
    path = write(tmp_path / "d.jsonl", *rows, {"id": "long", "text": "x" * 40})
    taken, left_out = _read(path, min_words=2, max_words=3)
    assert taken == ["2", "3"]
    assert {each.id: (each.key, each.reason) for each in left_out.values()} == {
        "1": ("min_words", "left out: it has 1 word, fewer than 2"),
        "4": ("max_words", "left out: it has 4 words, more than 3"),
        "long": ("min_words", "left out: it has 1 word, fewer than 2"),
    }
    taken, left_out = _read(path, min_characters=5, max_characters=39)
    assert taken == ["2", "3", "4"]
    assert left_out["1"].reason == "left out: it has 4 characters, fewer than 5"
    assert left_out["long"].reason == "left out: it has 40 characters, more than 39"
    assert left_out["1"].source == f"{path}:1"


def test_documents_are_left_out_by_language(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", {"id": "en", "text": _ENGLISH}, {"id": "de", "text": _GERMAN})
    taken, left_out = _read(path, languages=["en"])
    assert taken == ["en"]
    assert left_out["de"].key == "languages"
    assert "told as de" in left_out["de"].reason and "not en" in left_out["de"].reason
    assert _read(path, languages=["en", "de"]) == (["en", "de"], {})
    with pytest.raises(UsageError, match="The language qq is not known") as caught:
        documents_of(_config(path, languages=["qq"]), 0)  # before the first document is asked for
    assert " en " in caught.value.remedy


_IDS = st.lists(
    st.text("abcdefghijkl0123456789", min_size=1, max_size=6), unique=True, min_size=1, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(_IDS, st.integers(1, 12), st.integers(0, 5), st.sampled_from(["random", "diverse"]), st.randoms())
def test_a_sample_is_the_same_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory,
    ids: list[str],
    size: int,
    seed: int,
    select: str,
    chance: random.Random,
) -> None:
    folder = tmp_path_factory.mktemp("s")
    rows = [{"id": each, "text": f"{each} " * (1 + len(each))} for each in ids]
    path = write(folder / "a.jsonl", *rows)
    taken, left_out = _read(path, seed, sample=size, select=select)
    assert len(taken) == min(size, len(ids))
    assert sorted([*taken, *left_out]) == sorted(ids)
    assert [each for each in ids if each in set(taken)] == taken  # in the order of the source
    chance.shuffle(rows)
    half = len(rows) // 2
    (folder / "b").mkdir()
    write(folder / "b" / "1.jsonl", *rows[half:])
    write(folder / "b" / "2.jsonl", *rows[:half])
    again, _ = _read(folder / "b", seed, sample=size, select=select)
    assert set(again) == set(taken)


def test_a_sample_is_uniform_and_grows_without_losing_any(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", *({"id": str(n), "text": f"text {n}"} for n in range(20)))
    times = dict.fromkeys(map(str, range(20)), 0)
    for seed in range(300):
        taken, _ = _read(path, seed, sample=5)
        for each in taken:
            times[each] += 1
    # 75 expected of each, with a standard deviation of 7.5.
    assert 40 < min(times.values()) <= max(times.values()) < 110
    small, left_out = _read(path, 1, sample=5)
    assert set(small) < set(_read(path, 1, sample=9)[0])
    assert {each.reason for each in left_out.values()} == {
        "left out: not among the 5 drawn at random from 20 documents (seed 1)"
    }


def test_a_diverse_sample_has_one_of_each_kind(tmp_path: Path) -> None:
    kinds = [
        "ships sail across the northern sea with cargo",
        "a minister spoke in parliament about taxes",
        "proteins fold inside living cells quickly",
    ]
    rows = [{"id": f"{kind}-{n}", "text": f"{text} {n}"} for kind, text in enumerate(kinds) for n in range(9)]
    path = write(tmp_path / "d.jsonl", *rows)
    for seed in range(4):
        taken, left_out = _read(path, seed, sample=3, select="diverse")
        assert {each[0] for each in taken} == {"0", "1", "2"}
    assert {each.key for each in left_out.values()} == {"sample"}
    assert {each.reason for each in left_out.values()} == {
        "left out: not among the 3 that differ most of 27 documents (seed 3)"
    }


def test_the_sample_is_of_what_the_filters_leave_and_limit_and_ids_are_of_the_sample(tmp_path: Path) -> None:
    rows = [
        {"id": f"{'long' if n % 2 else 'short'}{n}", "text": "word " * (1 + 5 * (n % 2))} for n in range(20)
    ]
    rows = [row | {"text": f"{row['text']} {row['id']}"} for row in rows]
    path = write(tmp_path / "d.jsonl", *rows)
    taken, left_out = _read(path, min_words=5, sample=4)
    assert len(taken) == 4 and all(each.startswith("long") for each in taken)
    assert {left_out[f"short{n}"].key for n in range(0, 20, 2)} == {"min_words"}
    assert "from 10 documents" in next(each.reason for each in left_out.values() if each.key == "sample")
    assert _read(path, min_words=5, sample=4, limit=2)[0] == taken[:2]
    assert _read(path, min_words=5, sample=4, ids=[taken[2], "short0"]) == (
        [taken[2]],
        {"short0": left_out["short0"]},
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"min_words": 5, "max_words": 4}, "at least 5 and at most 4 words"),
        ({"select": "diverse"}, "set sample"),
        ({"select": "diverse", "sample": 3000}, "at most 2,000"),
        ({"languages": ["English"]}, "such as en or de"),
    ],
)
def test_what_cannot_be_met_is_no_job(keys: dict[str, object], words: str) -> None:
    from schemas.job import InvalidJobError, job_from

    with pytest.raises(InvalidJobError) as caught:
        job_from({"documents": {"paths": ["d"], **keys}})
    assert words in json.dumps(caught.value.faults, ensure_ascii=False)
