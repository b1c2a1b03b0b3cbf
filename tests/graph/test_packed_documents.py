"""Packed files: the same documents as without packing, and nothing that unpacks to more than is sane."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_files import ENDINGS, packed
from reading_files import read, refusal

from graph.documents import count_records, packing

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
_RECORDS = st.lists(st.fixed_dictionaries({"text": _TEXT, "note": _TEXT}), min_size=1, max_size=12)


def _bytes(records: list[dict[str, str]], ending: str) -> bytes:
    if ending == ".json":
        return json.dumps(records).encode()
    if ending == ".csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, ["text", "note"])
        writer.writeheader()
        writer.writerows(records)
        return out.getvalue().encode()
    if ending == ".jsonl":
        return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
    return records[0]["text"].encode()


@settings(max_examples=40, deadline=None)
@given(_RECORDS, st.sampled_from([".jsonl", ".json", ".csv", ".txt", ".md"]), st.integers(1, 3))
def test_packing_changes_no_document(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], ending: str, parts: int
) -> None:
    content = _bytes(records, ending)
    found = []
    for packing_ending in ENDINGS:
        path = packed(tmp_path_factory.mktemp("p") / f"d{ending}", content, packing_ending, parts)
        documents, unreadable = read(path)
        reasons = [(one.line, one.reason.replace(str(path), "")) for one in unreadable]
        found.append(([(d.id, d.text, d.meta) for d in documents], reasons, count_records([path])))
    assert found[0] == found[1] == found[2]
    assert found[0][0] or found[0][1]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_what_was_read_before_a_file_breaks_off_is_kept(tmp_path: Path, ending: str) -> None:
    lines = b"".join(b'{"id": "%d", "text": "ship %d"}\n' % (n, n) for n in range(5_000))
    path = packed(tmp_path / "d.jsonl", lines, ending, parts=4)
    path.write_bytes(path.read_bytes()[:-20])
    documents, unreadable = read(path)
    assert len(documents) > 1_000
    assert [one.line for one in unreadable] == [len(documents) + 1]
    assert unreadable[0].reason.startswith("from here on the file cannot be read: it is cut off or damaged")


def test_a_file_that_is_not_packed_as_its_name_says_is_one_bad_record(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b'{"text": "plain"}\n')
    (tmp_path / "b.txt").write_text("good")
    documents, unreadable = read(tmp_path)
    assert [d.text for d in documents] == ["good"]
    assert "not packed as its name says" in unreadable[0].reason
    assert "cannot be read" in refusal_of_counting(tmp_path / "a.jsonl.gz")


def refusal_of_counting(path: Path) -> str:
    from schemas.errors import DocumentError

    with pytest.raises(DocumentError) as caught:
        count_records([path])
    return str(caught.value)


def test_formats_that_pack_themselves_and_unknown_ones_are_no_packed_documents(tmp_path: Path) -> None:
    for name in ("a.parquet.gz", "a.pdf.zst", "a.gz", "a.png.gz", "a.jsonl.bz2"):
        (tmp_path / name).write_bytes(gzip.compress(b"x"))
        assert "is no file of documents" in refusal(tmp_path / name)


def test_a_small_file_that_unpacks_to_gigabytes_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_MOST_UNPACKED", 2**20)
    bomb = zstandard.ZstdCompressor().compress(b'{"text": "a"}\n' + b"\n" * 2**24)
    assert len(bomb) * 1_000 < 2**24
    (tmp_path / "bomb.jsonl.zst").write_bytes(bomb)
    documents, unreadable = read(tmp_path)
    assert [d.text for d in documents] == ["a"]
    assert "it unpacks to a size that no text comes to" in unreadable[0].reason


@pytest.mark.parametrize("ending", [".json", ".txt"])
def test_a_whole_file_has_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("graph.documents.formats.LARGEST_TEXT", 2**20)
    packed(tmp_path / f"d{ending}", b" " * (2**20 + 1), ".gz")
    assert [one.reason for one in read(tmp_path)[1]] == ["it has more than 1 MB"]


@pytest.mark.parametrize("packing_ending", ENDINGS)
def test_a_line_without_end_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing_ending: str
) -> None:
    monkeypatch.setattr("graph.documents.packing.LONGEST_LINE", 1_000)
    monkeypatch.setattr("graph.documents.formats.LONGEST_LINE", 1_000)
    long = "x" * 5_000
    packed(tmp_path / "a.jsonl", f'{{"text": "{long}"}}\n{{"text": "b"}}\n'.encode(), packing_ending)
    packed(tmp_path / "c.csv", f"text\n{long}\nd\n".encode(), packing_ending)
    documents, unreadable = read(tmp_path)
    assert [d.text for d in documents] == ["b", "d"]
    assert ["the line is longer than" in one.reason for one in unreadable] == [True, True]
