"""Reading documents from files of records."""

import csv
import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_files import read, refusal, texts, write

from schemas.documents import Document, text_id

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "data" / "documents" / "documents.jsonl"
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart" / "documents.jsonl"


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
    (folder / "a.json").write_bytes(json.dumps(rows, ensure_ascii=False).encode())
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
