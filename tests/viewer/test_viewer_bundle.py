"""A run as one file."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from viewer.conftest import make_run

from benchmarks import bulk_run
from graph.store.reading import RunReader
from guidex.viewer.bundle import Bundle, make_bundle
from guidex.viewer.bundle.scripts import JoinedScripts
from schemas.errors import UsageError

LARGE = 100_000_000


def made(
    folder: Path, *document_ids: str, limit: int = 100, largest: int = LARGE, calls: bool = True
) -> Bundle:
    return asyncio.run(make_bundle(folder, document_ids, limit=limit, largest=largest, with_calls=calls))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bulk_run.make_run(
        tmp_path_factory.mktemp("runs"), documents=10, calls=80, seed=3, name="hostile", hostile=True
    )


@pytest.fixture(scope="module")
def whole(run: Path) -> Bundle:
    return made(run)


class Elements(HTMLParser):
    """All elements with their attributes, and the texts of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag in self.texts and self.get_starttag_text() is not None and data.strip():
            self.texts[self.lasttag].append(data)


def test_all_documents_rounds_and_calls_are_there(run: Path, whole: Bundle) -> None:
    with RunReader(run) as reader:
        documents = reader.rows("SELECT position, id FROM documents")
        rounds = reader.rows(
            """SELECT d.position, r.number FROM rounds r JOIN documents d ON d.id = r.document_id
            WHERE r.take = (SELECT max(take) FROM rounds WHERE document_id = d.id)"""
        )
        calls = {row[0] for row in reader.rows("SELECT id FROM calls WHERE document_id IS NOT NULL")}
    pages = set(re.findall(r'data-page="([^"]+)"', whole.html))
    assert {"run", "documents", "left-out", *(f"document-{position}" for position, _ in documents)} <= pages
    assert {page for page in pages if "-round-" in page} == {
        f"document-{position}-round-{number}" for position, number in rounds
    }
    assert {page.removeprefix("call-") for page in pages if page.startswith("call-")} == calls
    assert whole.calls == len(calls) and whole.of == len(documents) and not whole.too_large
    assert set(whole.documents) == {identifier for _, identifier in documents}


def test_every_link_leads_to_a_page_of_the_file(whole: Bundle) -> None:
    elements = Elements(whole.html).all
    pages = {attributes["data-page"] for tag, attributes in elements if tag == "template"}
    places = {attributes["id"] for _, attributes in elements if "id" in attributes}
    for tag, attributes in elements:
        if tag == "a":
            address = attributes["href"] or ""
            assert address.startswith("#"), address
            assert address[1:].partition("?")[0] in pages | places, address


def test_nothing_is_asked_for_and_only_its_own_scripts_run(whole: Bundle) -> None:
    elements = Elements(whole.html)
    policy = next(
        attributes["content"] or "" for tag, attributes in elements.all if "http-equiv" in attributes
    )
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for kind in ("script", "style"):
        texts = re.findall(rf"<{kind}[^>]*>(.*?)</{kind}>", whole.html, re.DOTALL)
        for text in texts:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert digest in allowed
        assert texts
    for tag, attributes in elements.all:
        assert not ({"src", "srcset", "action", "style", "data-live"} & attributes.keys()), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")


def test_places_on_the_makers_machine_and_what_changes_a_run_stay_out(run: Path, whole: Bundle) -> None:
    assert run.parent.as_posix() not in whole.html
    assert '<meta name="guidex-token"' not in whole.html
    assert "Apply as a new version" not in whole.html and "review.js" not in whole.html


def test_prompts_and_answers_can_be_left_out(run: Path, whole: Bundle) -> None:
    without = made(run, calls=False)
    assert without.calls == 0 and 'data-page="call-' not in without.html
    assert len(without.html) < len(whole.html)
    assert "Prompts and answers are not in it" in without.html


def test_the_documents_that_are_named_are_those_in_it(run: Path, whole: Bundle) -> None:
    chosen = whole.documents[1]
    bundle = made(run, chosen)
    assert bundle.documents == (chosen,)
    assert len(set(re.findall(r'data-page="document-(\d+)', bundle.html))) == 1
    with pytest.raises(UsageError, match="no document `nobody`"):
        made(run, "nobody")


def test_it_grows_no_larger_than_wanted_and_says_so(run: Path, whole: Bundle) -> None:
    small = made(run, largest=1)
    assert len(small.documents) == 1
    assert small.too_large == whole.of - 1
    assert "would have made it larger" in small.html


def test_a_run_without_documents_is_bundled_too(tmp_path: Path) -> None:
    make_run(tmp_path, "few")
    bundle = made(tmp_path / "few")
    assert len(bundle.documents) == 3 and bundle.calls == 0


def test_modules_are_joined_behind_what_they_import() -> None:
    texts = {
        "a.js": 'import { b as c } from "./b.js";\nc();\n',
        "b.js": "export function b() {}\nexport const d = 1;\n",
    }
    script = JoinedScripts(texts.__getitem__)
    script.add("a.js")
    script.add("b.js")
    text = script.text()
    assert text.count("function b()") == 1 and text.index("function b()") < text.index("c();")
    assert "export" not in text and "import" not in text
    texts["odd.js"] = 'import * as everything from "./b.js";\n'
    with pytest.raises(ValueError, match="cannot be joined"):
        JoinedScripts(texts.__getitem__).add("odd.js")
