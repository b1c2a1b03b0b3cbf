"""Gold annotations: CoNLL lines with BIO tags, and JSON Lines with offsets."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from exported_rows import rows
from hypothesis import given
from hypothesis import strategies as st

from finetune.gold import GoldMention, read_gold
from schemas.annotation import Annotation, Instance
from schemas.documents import Document
from schemas.errors import DocumentError
from schemas.judgement import Agent, Scores
from schemas.locate import TextIndex, ground_all
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

CROSSNER = Path(__file__).parents[3] / "shared" / "data" / "crossner"


def write(path: Path, *lines: object) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_text(text, "utf-8", newline="")
    return path


def surfaces(text: str, mentions: Sequence[GoldMention]) -> list[tuple[str, str]]:
    return [(text[mention.start : mention.end], mention.label) for mention in mentions]


# --- CoNLL


def test_tokens_are_joined_by_single_spaces_and_tags_become_spans(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.txt",
        *("Ada\tB-person", "Lovelace\tI-person", "met\tO", "Ann\tB-person", "Bo\tB-person", ""),
        *("", "In\tO", "Oslo\tB-location\r"),
    )
    first, second = read_gold([path]).documents
    assert (first.text, first.id, first.place) == ("Ada Lovelace met Ann Bo", None, f"{path}:1")
    assert first.mentions == ((0, 12, "person"), (17, 20, "person"), (21, 23, "person"))
    assert (second.text, second.mentions, second.place) == ("In Oslo", ((3, 7, "location"),), f"{path}:8")


def test_conll_2003_has_more_columns_and_headings(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.conll", "\ufeff-DOCSTART- -X- O O", "", "Ann NNP I-NP B-PER", "\u00a0 X X O", "# X X O"
    )
    (document,) = read_gold([path]).documents
    assert (document.text, document.mentions) == ("Ann \u00a0 #", ((0, 3, "PER"),))


def test_a_tag_that_continues_nothing_begins_a_mention_and_is_told(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.bio", "Ann\tI-PER", "Bo\tI-PER", "Oslo\tI-LOC", "to\tO", "Cy\tI-PER", "", "Di\tI-PER"
    )
    gold = read_gold([path])
    first, second = gold.documents
    assert surfaces(first.text, first.mentions) == [("Ann Bo", "PER"), ("Oslo", "LOC"), ("Cy", "PER")]
    assert surfaces(second.text, second.mentions) == [("Di", "PER")]
    assert gold.repaired == tuple(f"{path}:{line}" for line in (1, 3, 5, 7))


@pytest.mark.parametrize("line", ["Ann", "Ann\tPER", "Ann\tB-", "Ann\tS-PER", "\tO", "Ann B-PER\tb-PER"])
def test_a_line_that_is_no_token_with_a_tag_is_named(line: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "In\tO", "", line)
    with pytest.raises(DocumentError, match=f"^{re.escape(str(path))}:3 is no token") as caught:
        read_gold([path])
    assert "B-CLASS" in caught.value.remedy


TOKENS = st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc"]), min_size=1).filter(
    lambda token: token != "-DOCSTART-" and not token.startswith("\ufeff")
)


@given(st.lists(st.tuples(TOKENS, st.sampled_from(["A", "B", None]), st.booleans()), min_size=1))
def test_every_mention_is_the_tokens_that_were_tagged(
    tmp_path_factory: pytest.TempPathFactory, words: list[tuple[str, str | None, bool]]
) -> None:
    expected: list[tuple[str, str]] = []
    lines, before = [], None
    for token, label, continues in words:
        if label is None:
            lines.append(f"{token}\tO")
        elif continues and label == before:
            lines.append(f"{token}\tI-{label}")
            expected[-1] = (f"{expected[-1][0]} {token}", label)
        else:
            lines.append(f"{token}\tB-{label}")
            expected.append((token, label))
        before = label
    gold = read_gold([write(tmp_path_factory.mktemp("gold") / "a.bio", *lines)])
    (document,) = gold.documents
    assert document.text == " ".join(token for token, _, _ in words)
    assert surfaces(document.text, document.mentions) == expected
    assert gold.repaired == ()


# --- JSON Lines


@pytest.mark.parametrize(("name", "key"), [("entities", "label"), ("spans", "class"), ("spans", "type")])
def test_offsets_count_code_points_and_a_mention_is_kept_once(name: str, key: str, tmp_path: Path) -> None:
    text = "😀 Ann met Bo"
    spans = [{"start": 10, "end": 12, key: "P"}, {"start": 2, "end": 5, key: "P", "text": "Ann"}] * 2
    path = write(tmp_path / "a.jsonl", {"id": 7, "text": text, name: spans}, "", {"text": "-", name: []})
    first, second = read_gold([path]).documents
    assert (first.id, surfaces(text, first.mentions)) == ("7", [("Ann", "P"), ("Bo", "P")])
    assert (second.id, second.mentions, second.place) == (None, (), f"{path}:3")


def test_what_was_exported_is_read_back(tmp_path: Path) -> None:
    schema = AnnotationSchema(
        classes=(
            ClassSpec(name="Person"),
            ClassSpec(
                name="Visit",
                fields=(
                    FieldSpec(name="place"),
                    FieldSpec(name="guests", type=FieldType(kind=Kind.CLASS, class_name="Person", many=True)),
                    FieldSpec(name="when", type=FieldType(optional=True)),
                ),
            ),
        )
    )
    text = "Ann and Bo came to Oslo in May."
    guests = tuple(Instance(class_name="Person", values={"span": name}) for name in ("Ann", "Bo"))
    visit = Instance(class_name="Visit", values={"place": "Oslo", "guests": guests, "when": "May"})
    agreed = Annotation(
        document_id="d", annotator="agreed", instances=ground_all((visit,), schema, TextIndex(text))
    )
    kept = Round(
        number=1,
        entered=Agent.ANNOTATOR,
        annotation_schema=schema,
        annotations=(agreed,),
        agreed=agreed,
        scores=Scores(grounding=1),
        state_hash="0",
    )
    exported = rows([(Document(id="d", text=text), kept)], "jsonl")
    (document,) = read_gold([write(tmp_path / "a.jsonl", *exported)]).documents
    found = surfaces(text, document.mentions)
    assert (document.id, found) == ("d", [("Ann", "Person"), ("Bo", "Person"), ("Oslo", "Visit")])


BAD: list[tuple[object, str]] = [
    ("{", "no JSON"),
    ([], "no JSON object"),
    ({"entities": []}, "no text"),
    ({"text": "Ann"}, "no list entities, spans or instances"),
    ({"text": "Ann", "entities": {}}, "no list"),
    ({"text": "Ann", "entities": [[0, 3, "P"]]}, "a mention is no JSON object"),
    ({"text": "Ann", "entities": [{"start": 0, "end": 3}]}, "has no label"),
    ({"text": "Ann", "entities": [{"start": 0, "end": 4, "label": "P"}]}, "no span of the text, which has 3"),
    ({"text": "Ann", "entities": [{"start": 3, "end": 3, "label": "P"}]}, "no span"),
    ({"text": "Ann", "entities": [{"start": "0", "end": 3, "label": "P"}]}, "no span"),
    ({"text": "Ann", "entities": [{"start": False, "end": 3, "label": "P"}]}, "no span"),
    ({"text": "é Ann", "spans": [{"start": 3, "end": 5, "label": "P", "text": "Ann"}]}, "count code points"),
    ({"text": "Ann", "instances": [{"class": "P", "mentions": [3]}]}, "no span"),
    ({"text": "Ann", "instances": [{"class": "P", "mentions": 3}]}, "not as it is exported"),
    ({"id": 1.5, "text": "Ann", "entities": []}, "the id"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_line_of_another_form_is_named(line: object, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": "fine", "entities": []}, line)
    with pytest.raises(DocumentError, match=reason) as caught:
        read_gold([path])
    assert str(caught.value).startswith(f"{path}:2") and caught.value.remedy


# --- files


def test_a_text_counts_once_and_an_id_has_one_text(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", {"id": "a", "text": "Ann", "entities": []})
    second = write(tmp_path / "b.txt", "Ann\tB-P", "", "Bo\tB-P")
    gold = read_gold([first, second])
    assert [document.text for document in gold.documents] == ["Ann", "Bo"]
    assert gold.repeated == (f"{second}:1",) and gold.labels == {"P": 1}
    other = write(tmp_path / "c.jsonl", {"id": "a", "text": "Cy", "entities": []})
    with pytest.raises(DocumentError, match=r"Two texts have the id 'a': .*a\.jsonl:1 and .*c\.jsonl:1"):
        read_gold([first, other])


def test_a_file_that_has_no_gold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="There is no gold"):
        read_gold([write(tmp_path / "a.txt", "", "-DOCSTART-\tO")])
    (tmp_path / "b.txt").write_bytes(b"Ann\tO\ncaf\xe9\tO\n")
    with pytest.raises(DocumentError, match=r"b\.txt:2 is not UTF-8"):
        read_gold([tmp_path / "b.txt"])
    with pytest.raises(DocumentError, match="cannot be read"):
        read_gold([tmp_path / "none.txt"])


@pytest.mark.skipif(not CROSSNER.exists(), reason="the CrossNER files are not on this machine")
def test_crossner_is_read_as_its_table_says() -> None:
    table = re.findall(
        r"^\| (\w+) \| (dev|test) \| (\d+) \| [^|]+ \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|",
        (CROSSNER / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(table) == 10
    for domain, split, *counts in table:
        gold = read_gold([CROSSNER / domain / f"{split}.txt"])
        sentences, tokens, _, types, empty = map(int, counts)
        assert gold.repaired == () and len(gold.labels) == types
        assert len(gold.documents) + len(gold.repeated) == sentences
        if not gold.repeated:
            texts = [document.text for document in gold.documents]
            assert sum(text.count(" ") + 1 for text in texts) == tokens
            assert sum(gold.labels.values()) == int(counts[2])
            assert sum(not document.mentions for document in gold.documents) == empty
