"""Reading documents from text files and folders; ids; real documents."""

import itertools
import json
import os
from pathlib import Path

import pytest
from reading_files import read, refusal, texts, write

from graph.documents import SUPPORTED, read_documents
from schemas.documents import Document
from schemas.errors import DocumentError

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "data" / "documents" / "documents.jsonl"
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart" / "documents.jsonl"


# --- text, folders and paths


def test_a_text_file_is_one_document_named_by_its_path_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.MD").write_bytes("# Títle\r\n".encode())
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    documents, unreadable = read(tmp_path)
    assert [(d.id, d.text) for d in documents] == [("a.txt", "a"), ("sub/b.MD", "# Títle\r\n")]
    assert [(item.source, item.line) for item in unreadable] == [
        (str(tmp_path / "blank.txt"), None),
        (str(tmp_path / "latin.txt"), None),
    ]
    assert unreadable[0].reason == "the text is empty"
    assert "not UTF-8" in unreadable[1].reason
    assert [d.id for d in read(tmp_path / "a.txt")[0]] == ["a.txt"]


def test_folders_are_read_in_order_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "a.txt", ".hidden.txt", ".git/x.txt", "image.png", "Makefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert texts(read(tmp_path)[0]) == ["a.txt", "b/1.txt", "b/2.txt"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": "x", "text": "a"})
    (tmp_path / "link.jsonl").symlink_to(path)
    assert texts(read(path, tmp_path, tmp_path / ".." / tmp_path.name / "a.jsonl")[0]) == ["a"]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX file names are bytes")
def test_file_names_that_are_no_text_are_shown_as_text(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b.txt")).write_text("a")
    except OSError:
        pytest.skip("this file system refuses such names")
    documents, unreadable = read(tmp_path)
    assert unreadable == []
    assert documents[0].id == "\ufffd\ufffd.txt"
    assert documents[0].source.isprintable()


def test_paths_that_give_nothing_are_refused_at_the_call(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    cases = [
        ([tmp_path / "none.jsonl"], "none.jsonl does not exist"),
        ([tmp_path / "image.png"], "image.png is no file of documents"),
        ([tmp_path / "empty"], "has no documents in it"),
        ([tmp_path], "has no documents in it"),
        ([], "No documents were named"),
    ]
    for paths, words in cases:
        with pytest.raises(DocumentError) as caught:
            read_documents(paths)  # before the first document is asked for
        assert words in str(caught.value)
        assert caught.value.remedy
    assert set(SUPPORTED) >= {".jsonl", ".json", ".csv", ".parquet", ".txt", ".md"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": "a"})
    path.chmod(0)
    assert "may not be read" in refusal(path)


def test_a_file_that_goes_away_is_refused_in_one_sentence(tmp_path: Path) -> None:
    stream = read_documents(
        [write(tmp_path / "a.jsonl", {"text": "a"}), write(tmp_path / "b.jsonl", {"text": "b"})]
    )
    assert next(stream)
    (tmp_path / "b.jsonl").unlink()
    with pytest.raises(DocumentError, match=r"b\.jsonl cannot be read: No such file"):
        next(stream)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl", ""), ("a.jsonl", "\n\n"), ("a.json", "[]"), ("a.csv", "text\n"), ("a.csv", "")],
)
def test_no_record_at_all_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert "no documents in" in refusal(tmp_path / name)


def test_unreadable_records_alone_are_recorded_not_refused(tmp_path: Path) -> None:
    documents, unreadable = read(write(tmp_path / "a.jsonl", {"text": ""}))
    assert (documents, len(unreadable)) == ([], 1)


# --- ids


def test_two_documents_of_one_id_are_refused_with_both_places(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", {"id": "x", "text": "a"}, {"id": "y", "text": "b"})
    second = write(tmp_path / "b.jsonl", {"text": "c"}, {"id": "x", "text": "d"})
    message = refusal(first, second)
    assert f"{first}:1" in message and f"{second}:2" in message and "'x'" in message
    assert f"{first}:1" in refusal(write(first, {"id": "x", "text": "a"}, {"id": "x", "text": "a"}))


def test_a_second_copy_of_a_text_without_id_is_set_aside(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", {"text": "a"}, {"text": "b"}, {"text": "a"}, {"id": "", "text": "a"}, '"b"'
    )
    documents, unreadable = read(path)
    assert texts(documents) == ["a", "b"]
    assert [(item.line, item.reason) for item in unreadable] == [
        (3, f"the same text as {path}:1"),
        (4, f"the same text as {path}:1"),
        (5, f"the same text as {path}:2"),
    ]


def test_the_same_file_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "note.txt").write_text(folder)
    assert "'note.txt'" in refusal(tmp_path / "a", tmp_path / "b")
    assert [d.id for d in read(tmp_path)[0]] == ["a/note.txt", "b/note.txt"]


def test_limit_counts_documents_and_reads_no_further(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": ""}, {"text": "a"}, "{", {"text": "b"}, "{", {"text": "c"})
    documents, unreadable = read(path, limit=2)
    assert (texts(documents), [item.line for item in unreadable]) == (["a", "b"], [1, 3])


def test_ids_choose_documents_and_those_in_no_file_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *({"id": n, "text": f"text {n}"} for n in range(9)))
    assert [d.id for d in read(path, ids=("7", "2"))[0]] == ["2", "7"]
    assert [d.id for d in read(path, ids=("7", "2"), limit=1)[0]] == ["2"]
    assert "No document has the id 12, x." in refusal(path, ids=("7", "x", "12"))


def test_lines_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jsonl"
    path.write_text("".join(json.dumps({"text": f"text {n}"}) + "\n" for n in range(5)))
    stream = read_documents([path])
    assert isinstance(next(stream), Document)
    with path.open("a") as file:
        file.write("x" * 100_000 + "\n")  # more than one buffer; seen only if the file was not read at once
        file.write(json.dumps({"text": "late"}) + "\n")
    rest = list(stream)
    assert [item.text for item in rest if isinstance(item, Document)][-1] == "late"


# --- real documents


def test_the_quickstart_documents_are_a_dozen_short_ones() -> None:
    documents, unreadable = read(QUICKSTART)
    assert (len(documents), unreadable) == (12, [])
    assert all(150 <= len(document.text.split()) <= 300 for document in documents)
    assert len({document.meta["domain"] for document in documents}) == 12


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not beside this checkout")
def test_a_real_corpus_is_read_whole() -> None:
    lines = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    found = list(itertools.chain(read_documents([CORPUS])))
    assert [(d.id, d.text) for d in found if isinstance(d, Document)] == [(x["id"], x["text"]) for x in lines]
