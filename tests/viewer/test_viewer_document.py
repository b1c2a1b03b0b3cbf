"""The page of a document, as a browser takes it apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from viewer.annotated_runs import TEXT, make_annotated_run
from viewer.attacking import read
from viewer.conftest import Ask

from guidex.cli.console import safe


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    own: str = ""
    """Text without that of labels and cards."""


@dataclass
class Tree(HTMLParser):
    """Elements of a page with their texts."""

    html: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.feed(self.html)

    def __hash__(self) -> int:
        return id(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(made)
        if tag not in ("meta", "link", "input", "rect"):
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag in [each.tag for each in self._open]:
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        aside = any({"label", "card"} & set(each.attributes.get("class", "").split()) for each in self._open)
        for each in self._open:
            each.text += data
            each.own += "" if aside else data

    def of_class(self, name: str) -> list[Element]:
        return [each for each in self.elements if name in each.attributes.get("class", "").split()]

    def at(self, identifier: str) -> Element:
        (found,) = [each for each in self.elements if each.attributes.get("id") == identifier]
        return found


@pytest.fixture
def client(tmp_path: Path, viewer: Ask) -> TestClient:
    make_annotated_run(tmp_path)
    return viewer(tmp_path)


def asked(client: TestClient, query: str = "", position: int = 0) -> Tree:
    answer = client.get(f"/runs/trial/documents/{position}{query}")
    assert answer.status_code == 200
    assert read(answer.text).faults == []
    return Tree(answer.text)


def words(element: Element) -> str:
    return " ".join(element.text.split())


@pytest.mark.parametrize("query", ["", "?show=agreed", "?show=1", "?show=2", "?round=1"])
def test_the_text_is_all_there_whatever_is_marked_in_it(client: TestClient, query: str) -> None:
    (text,) = asked(client, query).of_class("text")
    assert text.own == safe(TEXT, lines=True)


def test_mentions_are_marked_with_their_class_also_where_they_nest_and_overlap(client: TestClient) -> None:
    tree = asked(client)
    marks = {}
    for each in tree.of_class("mention"):
        if "data-class" in each.attributes:
            marks.setdefault(each.attributes["data-class"], []).append(each.own)
    assert marks["Person"] == ["Ada Lovelace", "Charles <b>", "<b>", "Babbage"]
    assert set(marks["Meeting"]) >= {"Ada Lovelace", "Charles <b>Babbage</b>", "London", "wrote"}
    labels = [each.text for each in tree.of_class("label")]
    assert "Meeting.place" in labels and "Person" in labels
    unsure = {(each.attributes["data-class"], each.own) for each in tree.of_class("unsure")}
    assert ("Person", "<b>") in unsure and ("Person", "Ada Lovelace") not in unsure


def test_only_what_is_asked_for_is_marked(client: TestClient) -> None:
    agreed = [
        each.own
        for each in asked(client, "?show=agreed").of_class("mention")
        if "data-class" in each.attributes
    ]
    assert agreed == ["Ada Lovelace"]
    second = [
        each.own
        for each in asked(client, "?show=2&round=1").of_class("mention")
        if "data-class" in each.attributes
    ]
    assert second == ["Ada Lovelace", "Lovelace"]


def test_a_card_tells_who_found_a_mention_and_what_the_critic_says(client: TestClient) -> None:
    tree = asked(client)
    label = next(each for each in tree.of_class("label") if each.text == "Person")
    card = words(tree.at(label.attributes["aria-describedby"]))
    assert "annotator-1: quoted exactly" in card and "annotator-2: quoted exactly" in card
    assert "wrong class, Meeting" in card and "0.25" in card
    cards = [words(each) for each in tree.of_class("card")]
    assert any(
        "by code, for the same words elsewhere" in each and "1 of 2 did not find it" in each for each in cards
    )
    assert any("quoted in other spelling" in each for each in cards)


def test_every_link_within_the_page_leads_somewhere(client: TestClient) -> None:
    for query in ("", "?round=1", "?show=agreed"):
        tree = asked(client, query)
        ids = [each.attributes["id"] for each in tree.elements if "id" in each.attributes]
        assert len(ids) == len(set(ids))
        inner = [
            each.attributes["href"][1:]
            for each in tree.elements
            if each.attributes.get("href", "").startswith("#")
        ]
        shown = set(ids)
        missing = [each for each in inner if each not in shown]
        assert all(each.startswith("m") for each in missing) and (query == "?show=agreed" or not missing)
        described = {
            each.attributes["aria-describedby"]
            for each in tree.elements
            if "aria-describedby" in each.attributes
        }
        assert described <= shown


def test_annotators_stand_side_by_side_with_what_they_differ_on(client: TestClient) -> None:
    tree = asked(client)
    rows = {
        words(each)
        for each in tree.elements
        if each.attributes.get("id", "").startswith("i") and each.tag == "tr"
    }
    ada = next(each for each in rows if "Ada Lovelace Person" in each)
    assert "annotators differ" not in ada and "yes" in ada
    fields = next(each for each in rows if "place: London (annotator 1 only)" in each)
    assert "place: wrote (annotator 2 only)" in fields and "annotators differ" in fields
    first = {words(each) for each in asked(client, "?round=1").elements if each.tag == "tr"}
    lost = next(each for each in first if "Nobody" in each)
    assert "not found" in lost and "the quote stands nowhere" in lost


def test_objections_lead_to_their_quotes_and_say_who_gave_way(client: TestClient) -> None:
    tree = asked(client)
    mended, missing = (tree.at(f"o{number}") for number in (1, 2))
    assert "annotator-2 gave way in round 2" in words(mended)
    assert "<i>why</i> it is so" in words(mended)
    link = next(each for each in tree.elements if each.attributes.get("href") == "#q2")
    assert "wrote" in link.text and tree.at("q2").own == "wrote"
    assert "Dropped" in words(missing)
    flagged = next(each for each in tree.of_class("label") if each.attributes.get("href") == "#o2")
    assert "MISSING" in flagged.text


def test_rounds_are_stepped_through_with_what_changed(client: TestClient) -> None:
    last = asked(client)
    (current,) = [each for each in last.elements if each.attributes.get("aria-current") == "step"]
    assert "Round 2" in current.text and "kept" in current.text
    back = next(each for each in last.elements if each.attributes.get("data-key") == "[")
    assert back.attributes["href"] == "/runs/trial/documents/0?round=1"
    assert not any(each.attributes.get("data-key") == "]" for each in last.elements)
    (diff,) = last.of_class("diff")
    assert "~ Person" in words(diff) and [each.text.strip() for each in last.elements if each.tag == "ins"]
    gone = [each.text for each in last.elements if each.tag == "del"]
    assert "Lovelace" in gone and "Nobody" in gone
    first = asked(client, "?round=1")
    assert not first.of_class("diff")
    assert any(each.attributes.get("data-key") == "]" for each in first.elements)


def test_guidelines_are_shown_as_code(client: TestClient) -> None:
    (code,) = [each for each in asked(client).elements if each.tag == "code"]
    assert '"""A real human being."""' in code.text
    assert "class Meeting:\n" in code.text and "people: List[str]" in code.text
    assert any(
        each.attributes.get("class") == "t-keyword" and each.text.strip() == "class"
        for each in asked(client).elements
    )


def test_scores_are_shown_against_what_acceptance_takes(client: TestClient) -> None:
    rows = [words(each) for each in asked(client).elements if each.tag == "tr"]
    assert any("agreement" in row and "less than 0.9" in row and "0.50" in row for row in rows)
    assert any("completeness" in row and "not judged" in row for row in rows)


def test_documents_that_were_not_worked_on_have_a_page(client: TestClient) -> None:
    pending = asked(client, position=1)
    assert "Not yet." in pending.of_class("text")[0].own
    failed = asked(client, position=2)
    assert "Failure: annotator: Truncated: <script>too long</script>" in words(failed.of_class("failure")[0])
    keys = {each.attributes.get("data-key") for each in pending.elements}
    assert {"n", "p"} <= keys and not {"[", "]"} & keys


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("3", 404),
        ("9" * 40, 404),
        ("-1", 404),
        ("0?round=0", 400),
        ("0?round=9999999", 400),
        ("0?show=everything", 400),
        ("0?show=99", 200),
        ("0?show=0", 400),
        ("0?other=1", 400),
    ],
)
def test_what_there_is_not_is_told(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/runs/trial/documents/{path}").status_code == status


def test_documents_are_stepped_through_in_the_order_of_the_list_they_were_found_in(
    client: TestClient,
) -> None:
    def steps(query: str, position: int) -> dict[str, str]:
        tree = asked(client, query, position)
        return {
            each.attributes["data-key"]: each.attributes["href"]
            for each in tree.elements
            if "data-key" in each.attributes
        }

    assert steps("", 1)["n"] == "/runs/trial/documents/2"
    backwards = steps("?sort=position&down=1", 1)
    assert backwards["n"] == "/runs/trial/documents/0?down=1"
    assert backwards["p"] == "/runs/trial/documents/2?down=1"
    found = asked(client, "?outcome=rejected&round=2")
    assert "1 of 1 found" in words(found.of_class("neighbours")[0])
    back = next(each for each in found.elements if each.attributes.get("data-key") == "[")
    assert back.attributes["href"] == "/runs/trial/documents/0?round=1&outcome=rejected"
    assert not asked(client, "?outcome=accepted").of_class("neighbours"), "it is not in that list"
