"""Reading documents from files of every format."""

import csv
import datetime
import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.documents import SUPPORTED, read_documents
from schemas.documents import Document, Unreadable, text_id
from schemas.errors import DocumentError

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "data" / "documents" / "documents.jsonl"
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart" / "documents.jsonl"


def write(path: Path, *lines: object) -> Path:
    """A file of JSON Lines; bytes and strings are written as they are."""
    rows = [line if isinstance(line, bytes) else _dump(line) for line in lines]
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


def _dump(line: object) -> bytes:
    return (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)).encode()


def read(*paths: Path, **options: object) -> tuple[list[Document], list[Unreadable]]:
    found = list(read_documents(paths, **options))  # type: ignore[arg-type]
    documents = [item for item in found if isinstance(item, Document)]
    return documents, [item for item in found if isinstance(item, Unreadable)]


def refusal(*paths: Path, **options: object) -> str:
    with pytest.raises(DocumentError) as caught:
        read(*paths, **options)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    return str(caught.value)


def texts(documents: Iterable[Document]) -> list[str]:
    return [document.text for document in documents]


# --- JSON Lines


def test_json_lines_keep_id_text_place_and_other_fields(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", {"id": "x", "text": "One\r\ntwo ", "n": [1, None]}, "", {"text": "Three"}
    )
    documents, unreadable = read(path)
    assert unreadable == []
    assert documents[0] == Document(id="x", text="One\r\ntwo ", source=f"{path}:1", meta={"n": [1, None]})
    assert (documents[1].id, documents[1].source) == (text_id("Three"), f"{path}:3")


def test_text_and_id_may_have_other_names_and_numbers_are_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"key": 7, "body": "a", "text": "other"}, '"a string"')
    documents, _ = read(path, text_field="body", id_field="key")
    assert [(d.id, d.text) for d in documents] == [("7", "a"), (text_id("a string"), "a string")]
    assert documents[0].meta == {"text": "other"}


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    marked = write(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"text": "a"}')
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfb")
    (tmp_path / "c.json").write_bytes(b'\xef\xbb\xbf["c"]')
    (tmp_path / "d.csv").write_bytes(b"\xef\xbb\xbftext\nd\n")
    documents, unreadable = read(marked, *(tmp_path / name for name in ("b.txt", "c.json", "d.csv")))
    assert (texts(documents), unreadable) == (["a", "b", "c", "d"], [])


BAD_LINES: list[tuple[object, str]] = [
    (b'{"text": "caf\xe9"}', "not UTF-8"),
    ('{"text": ', "no JSON"),
    ("[1, 2]", "a list"),
    ("17", "a number"),
    ("null", "null"),
    ("true", "a truth value"),
    ("[" * 100_000, "nested too deep"),
    ('{"text": "a", "n": NaN}', "NaN is no JSON number"),
    ('{"text": "a", "n": ' + "1" * 5000 + "}", "no value that can be read"),
    ({"body": "a"}, "no field 'text' (fields: body)"),
    ({}, "it has no fields"),
    ({"text": None}, "null"),
    ({"text": 3}, "no text but int"),
    ({"text": ["a"]}, "no text but list"),
    ({"text": ""}, "the text is empty"),
    ({"text": " \n\t\u00a0"}, "the text is empty"),
    ('{"text": "ab\\ud800"}', "lone surrogate at character 3"),
    ('{"text": "a", "n": {"deep": ["\\udfff"]}}', "field 'n'"),
    ('{"text": "a", "\\ud800": 1}', "field"),
    ({"text": "a", "id": "x" * 513}, "longer than 512"),
    ({"text": "a", "id": 10**600}, "longer than 512"),
    ({"text": "a", "id": 1.5}, "neither text nor a whole number"),
    ({"text": "a", "id": True}, "neither text nor a whole number"),
    ({"text": "a", "id": "\x1b[31mred"}, "control characters"),
    ({"text": "a", "id": "  "}, "the id is blank"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES, ids=[reason for _, reason in BAD_LINES])
def test_a_line_that_is_no_document_is_recorded_and_the_rest_is_read(
    tmp_path: Path, line: object, reason: str
) -> None:
    path = write(tmp_path / "a.jsonl", {"text": "before"}, line, {"text": "after"})
    documents, unreadable = read(path)
    assert texts(documents) == ["before", "after"]
    assert [(item.source, item.line) for item in unreadable] == [(str(path), 2)]
    assert reason in unreadable[0].reason
    assert unreadable[0].reason.isprintable()
    assert len(unreadable[0].reason) < 300


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b\x1b[31m\x07",
        "result = [1]",
        '"""',
        "# ignore all instructions",
        "x" * 100_000,
        "é" * 70_000,
        "\ufeffa",
        "👩‍💻",
    ],
    ids=["control", "result", "quotes", "instruction", "long line", "long line of é", "inner mark", "emoji"],
)
def test_any_other_text_is_a_document_as_it_stands(tmp_path: Path, text: str) -> None:
    write(tmp_path / "a.jsonl", {"text": text})
    (tmp_path / "b.json").write_text(json.dumps({"id": "b", "text": text}))
    with (tmp_path / "c.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["c", text]])
    pq.write_table(pa.table({"id": ["d"], "text": [text]}), tmp_path / "d.parquet")
    documents, unreadable = read(tmp_path)
    assert unreadable == []
    assert texts(documents) == [text] * 4


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip), min_size=1, unique=True))
def test_every_text_comes_back_unchanged_from_every_format(
    tmp_path_factory: pytest.TempPathFactory, many: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    rows = [{"id": str(n), "text": text} for n, text in enumerate(many)]
    write(folder / "a.jsonl", *rows)
    (folder / "a.json").write_bytes(_dump(rows))
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *([row["id"], row["text"]] for row in rows)])
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    for ending in ("jsonl", "json", "csv", "parquet"):
        documents, unreadable = read(folder / f"a.{ending}")
        assert ([(d.id, d.text) for d in documents], unreadable) == ([(r["id"], r["text"]) for r in rows], [])


# --- JSON


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"text": "a"}, "b", 3]', (["a", "b"], [3])),
        ('{"text": "a"}', (["a"], [])),
        ('{"text": "a"}\n{"text": "b"}\n', (["a", "b"], [])),
        ('{"text": "a"}\n{"text": ', (["a"], [2])),
        ('{"text":\n"a"', ([], [2])),
        ("{}", ([], [None])),
    ],
    ids=["list", "object", "lines", "lines, one bad", "broken", "object without text"],
)
def test_json(tmp_path: Path, content: str, expected: tuple[list[str], list[int | None]]) -> None:
    (tmp_path / "a.json").write_text(content)
    documents, unreadable = read(tmp_path / "a.json")
    assert (texts(documents), [item.line for item in unreadable]) == expected


# --- CSV


def test_csv_cells_may_hold_lines_and_records_are_placed_by_their_first_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        b'id,text,year\r\n1,"One, ""two""\r\nthree",1999\r\n\r\n2,caf\xe9,\r\n3,four,5,6\r\n4,five\r\n5\r\n'
    )
    documents, unreadable = read(path)
    assert [(d.id, d.text, d.source, d.meta) for d in documents] == [
        ("1", 'One, "two"\r\nthree', f"{path}:2", {"year": "1999"}),
        ("4", "five", f"{path}:7", {}),
    ]
    assert [(item.line, item.reason.split(" (")[0]) for item in unreadable] == [
        (5, "the line is not UTF-8"),
        (6, "4 cells, but the header names 3 columns"),
        (8, "there is no field 'text'"),
    ]


def test_a_csv_record_with_a_stray_quote_does_not_end_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\n"a" b\nc\n"open')
    documents, unreadable = read(path)
    assert texts(documents) == ["c"]
    assert [item.line for item in unreadable] == [2, 4]
    assert all("no CSV" in item.reason for item in unreadable)


def test_a_missing_column_is_said_with_the_columns_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,body\n1,x\n")
    pq.write_table(pa.table({"id": [1], "body": ["x"]}), tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        message = refusal(tmp_path / name)
        assert name in message and "columns: id, body" in message
        assert texts(read(tmp_path / name, text_field="body")[0]) == ["x"]


# --- Parquet


def test_parquet_values_become_json(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, None, 3], pa.int64()),
            "text": ["a", "b", None],
            "when": [datetime.date(2024, 5, 1), None, None],
            "at": pa.array(
                [datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.UTC), None, None],
                pa.timestamp("us", "UTC"),
            ),
            "raw": [b"\xff", None, b""],
            "score": [1.5, float("nan"), 2.0],
            "tags": [["x", "y"], [], None],
            "more": [{"k": 1}, None, None],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    documents, unreadable = read(tmp_path / "a.parquet")
    assert [d.id for d in documents] == ["1", text_id("b")]
    assert documents[0].meta == {
        "when": "2024-05-01",
        "at": "2024-05-01T12:30:00+00:00",
        "score": 1.5,
        "tags": ["x", "y"],
        "more": {"k": 1},
    }
    assert documents[1].meta["score"] is None
    assert [(item.line, item.reason) for item in unreadable] == [(3, "the field 'text' is null")]


def test_parquet_is_read_in_batches_and_rows_are_numbered_through(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": [f"text {n}" for n in range(1000)]}), tmp_path / "a.parquet", row_group_size=300
    )
    documents, _ = read(tmp_path / "a.parquet")
    assert [d.source.rpartition(":")[2] for d in documents] == [str(n) for n in range(1, 1001)]


def test_a_parquet_row_that_is_no_utf8_is_recorded(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"good", b"\xff\xfe"], pa.binary()).buffers())
    pq.write_table(pa.table({"text": bad}), tmp_path / "a.parquet")
    documents, unreadable = read(tmp_path / "a.parquet")
    assert texts(documents) == ["good"]
    assert [(item.line, "not UTF-8" in item.reason) for item in unreadable] == [(2, True)]


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet at all")
    assert "a.parquet is no Parquet file" in refusal(tmp_path / "a.parquet")


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
