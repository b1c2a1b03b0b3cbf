"""HTML and PDF: the text that is extracted, what is known about it, and files that are hostile or broken."""

import gzip
import io
import re
from pathlib import Path

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject
from reading_files import read
from reportlab.pdfgen.canvas import Canvas

from graph import extras
from graph.documents import pdf as pdf_reader
from graph.documents import read_documents
from schemas.errors import UsageError

_PAGE = """<!doctype html><html><head><title>Harbour news</title><meta name="author" content="Ann Berg">
<script>document.write("never run")</script></head><body><nav><a href="/">Home</a></nav><article>
<h1>Harbour news</h1><p>The ship Aurora sailed from Kiel to Oslo in May with a crew of twenty sailors.</p>
<p>She arrived after three days &amp; was unloaded by the men of the harbour at once.</p>
<script>fetch("http://127.0.0.1:9/")</script></article></body></html>"""


def _pdf(*pages: str, title: str = "") -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setTitle(title)
    for page in pages:
        canvas.drawString(72, 700, page)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def test_a_page_gives_its_main_text_and_what_it_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "news.html").write_text(_PAGE)
    (tmp_path / "old.HTM.gz").write_bytes(gzip.compress(_PAGE.replace("Aurora", "Bounty").encode()))
    (first, second), unreadable = read(tmp_path)
    assert unreadable == []
    assert (first.id, second.id) == ("news.html", "old.HTM")
    assert "The ship Aurora sailed from Kiel" in first.text
    assert "three days & was" in first.text
    assert not re.search(r"never run|fetch|Home|<", first.text)
    assert (first.meta["title"], first.meta["author"]) == ("Harbour news", "Ann Berg")
    assert "Bounty" in second.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no main text"),
        (b"<html><body><script>alert(1)</script></body></html>", "no main text"),
        (b"<div>" * 50_000 + b"<p>deep</p>", "no main text"),
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><p>&b;</p>", "no main text"),
        (b"\x00\xff\xfe" * 300, "no main text"),
        (b"<p>a" * 200_001, "more than 200,000 tags"),
        (b" " * (10 * 2**20 + 1), "more than 10 MB"),
    ],
)
def test_a_page_without_text_is_set_aside_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "page.html").write_bytes(content)
    documents, unreadable = read(tmp_path)
    assert documents == []
    assert reason in unreadable[0].reason


def test_a_pdf_gives_the_text_of_its_pages(tmp_path: Path) -> None:
    (tmp_path / "log.pdf").write_bytes(_pdf("The ship sailed from Kiel.", "It came to Oslo.", title="Log"))
    (document,), unreadable = read(tmp_path / "log.pdf")
    assert unreadable == []
    assert document.id == "log.pdf"
    assert [part.strip() for part in document.text.split("\n\n")] == [
        "The ship sailed from Kiel.",
        "It came to Oslo.",
    ]
    assert (document.meta["title"], document.meta["pages"]) == ("Log", 2)


def _encrypted(password: str, algorithm: str = "RC4-128") -> bytes:
    out = io.BytesIO()
    writer = PdfWriter(clone_from=io.BytesIO(_pdf("secret words")))
    writer.encrypt(password, algorithm=algorithm)
    writer.write(out)
    return out.getvalue()


def _nested() -> bytes:
    return _pdf("x").replace(b"/Type /Pages", b"/Deep " + b"[" * 5_000 + b"]" * 5_000 + b" /Type /Pages")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no PDF that can be read"),
        (b"no pdf at all", "no PDF that can be read"),
        (_pdf("cut off")[:300], "no PDF that can be read"),
        (_pdf(""), "none of its pages (1) has text"),
        (_encrypted("password"), "it is encrypted"),
        (_encrypted("password", "AES-256"), "it is encrypted"),
        (_nested(), "no PDF that can be read"),
    ],
)
def test_a_pdf_without_text_is_set_aside_with_a_reason(
    tmp_path: Path, content: bytes, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.pdf").write_bytes(content)
    documents, unreadable = read(tmp_path)
    assert documents == []
    assert reason in unreadable[0].reason
    assert capsys.readouterr() == ("", "")  # what the library says of it is no news


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_pdf_that_is_encrypted_without_a_password_is_read(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "a.pdf").write_bytes(_encrypted("", algorithm))
    assert [d.text.strip() for d in read(tmp_path)[0]] == ["secret words"]


def test_a_pdf_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(_pdf("one", "two", "three"))
    monkeypatch.setattr(pdf_reader, "_MOST_PAGES", 2)
    assert read(tmp_path)[1][0].reason == "it has 3 pages, more than 2"
    monkeypatch.setattr(pdf_reader, "_MOST_PAGES", 5)
    monkeypatch.setattr(pdf_reader, "_LONGEST", 5)
    assert read(tmp_path)[1][0].reason == "its text has more than 5 characters"
    monkeypatch.setattr(pdf_reader, "_MOST_OPERATIONS", 10)
    assert read(tmp_path)[1][0].reason == "drawing its pages takes more than 10 operations"


def test_a_small_pdf_that_unpacks_to_much_is_given_up(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(_pdf("x")))
    content = DecodedStreamObject()
    content.set_data(b" " * 20_000_001)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(content.flate_encode())
    writer.write(tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").stat().st_size < 100_000
    assert read(tmp_path)[1][0].reason == "no PDF that can be read: LimitReachedError"


def test_an_extra_that_is_lacking_is_told_before_a_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(_pdf("x"))
    (tmp_path / "b.txt").write_text("b")
    monkeypatch.setitem(extras.EXTRAS, "pdf", extras.Extra(("not_installed_here",), "documents in PDF"))
    with pytest.raises(UsageError) as caught:
        read_documents([tmp_path])
    assert "pip install -e '.[pdf]'" in caught.value.remedy
    assert [d.text for d in read(tmp_path / "b.txt")[0]] == ["b"]
