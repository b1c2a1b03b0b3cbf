"""The critic: verdicts on every mention, missing mentions, remarks; and what code makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from servers.in_memory import InMemoryClient, Said

from agents.class_names import NO_CLASS
from agents.critic import OBJECTIONS, Judged, PassageCritique, criticise, judged_at_once, objection
from agents.llm.client import CallFailedError, Purpose, Sampling
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.job import Profile
from schemas.judgement import ROUTES, Agent, FindingCode, Severity, Verdict
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

TEXT = 'Ann met "Bo" in Oslo, and Cy wrote to Ann from Rome in 1843.'
INDEX = TextIndex(TEXT)
SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.")),
        ClassSpec(name="PlaceName"),
    )
)
PURPOSE = Purpose(agent=Agent.CRITIC, document_id="d")


def instances(*given: tuple[str, str]) -> tuple[Instance, ...]:
    made = [Instance(class_name=name, values={"span": quote}) for name, quote in given]
    return ground_all(made, SCHEMA, INDEX)


THREE = instances(("Person", "Ann"), ("Person", '"Bo"'), ("PlaceName", "Oslo"))


async def critique(
    *said: Said,
    of: tuple[Instance, ...] = THREE,
    profile: Profile = Profile.FULL,
    takes_grammar: bool = False,
) -> tuple[PassageCritique, InMemoryClient]:
    left = list(said)
    client = InMemoryClient(lambda request: left.pop(0), takes_grammar=takes_grammar)
    speaker = Speaker(client, profile, Sampling(temperature=0, max_tokens=1000))
    return await criticise(speaker, INDEX, PURPOSE, SCHEMA, of), client


def verdicts(*said: str) -> dict[str, Any]:
    return {"verdicts": [{"item": number, "verdict": verdict} for number, verdict in enumerate(said, 1)]}


def classes(*said: tuple[str, str | None]) -> dict[str, Any]:
    return {"classes": [{"quote": quote, "class": name} for quote, name in said]}


def said(critique: PassageCritique) -> tuple[Verdict | None, ...]:
    return tuple(one and one.verdict for one in critique.judged)


def quoted(critique: PassageCritique) -> list[tuple[str, str]]:
    return [(name, TEXT[start:end]) for name, (start, end) in critique.missing]


# --- verdicts ---


async def test_every_mention_gets_its_verdict_whatever_the_order() -> None:
    answer = verdicts("correct", "spurious", "wrong_boundary")
    answer["verdicts"].reverse()
    made, _ = await critique(answer)
    words = (Verdict.CORRECT, Verdict.SPURIOUS, Verdict.WRONG_BOUNDARY)
    assert made == PassageCritique(tuple(map(Judged, words)), (), ())


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("Correct", Verdict.CORRECT),
        (" wrong class ", Verdict.WRONG_CLASS),
        ("WRONG-BOUNDARY", Verdict.WRONG_BOUNDARY),
    ],
)
async def test_spellings_of_a_verdict_are_understood(word: str, verdict: Verdict) -> None:
    made, _ = await critique(verdicts(word), of=THREE[:1])
    assert said(made) == (verdict,)


async def test_a_mention_that_was_passed_over_is_asked_for_again() -> None:
    made, client = await critique(verdicts("correct", "correct"), verdicts("correct", "correct", "spurious"))
    assert said(made)[2] is Verdict.SPURIOUS and len(client.requests) == 1
    with pytest.raises(CallFailedError, match="no verdict on mentions 2, 3") as raised:
        await critique(*[verdicts("correct")] * 3)
    assert raised.value.agent is Agent.CRITIC


async def test_numbers_that_nobody_asked_about_are_left_out() -> None:
    made, _ = await critique(verdicts(*["correct"] * 9))
    assert said(made) == (Verdict.CORRECT,) * 3


async def test_nothing_to_judge_is_still_searched_for_missing_mentions() -> None:
    made, client = await critique({"missing": [{"class": "Person", "quote": "Cy"}]}, of=())
    assert said(made) == () and quoted(made) == [("Person", "Cy")]
    assert len(client.requests) == 1


async def test_a_long_list_is_judged_in_parts() -> None:
    at_once = judged_at_once(1000)
    assert 5 < at_once < 40
    many = THREE * at_once  # three times as many as go into one call
    made, client = await critique(
        verdicts(*["correct"] * at_once),
        verdicts(*["spurious"] * at_once) | {"missing": [{"class": "Person", "quote": "Cy"}]},
        verdicts(*["correct"] * at_once),
        of=many,
    )
    assert said(made) == tuple(
        verdict for verdict in (Verdict.CORRECT, Verdict.SPURIOUS, Verdict.CORRECT) for _ in range(at_once)
    )
    assert len(client.requests) == 3 and len(made.missing) == 1


async def test_it_is_shown_the_classes_and_the_numbered_mentions() -> None:
    _, client = await critique(verdicts(*["correct"] * 3))
    told = client.requests[0].messages[-1].parts[-1]
    assert "- Person: A human being." in told
    assert '1. "Ann" as Person\n2. "\\"Bo\\"" as Person\n3. "Oslo" as PlaceName' in told


# --- the compact form: the class of a quote, not told which it was given ---


async def test_a_small_model_is_asked_for_the_class_and_code_compares() -> None:
    made, client = await critique(
        classes(("Ann", "Person"), ('"Bo"', "PlaceName"), ("Oslo", NO_CLASS)), profile=Profile.COMPACT
    )
    assert said(made) == (Verdict.CORRECT, Verdict.WRONG_CLASS, Verdict.SPURIOUS)
    told = client.requests[0].messages[-1].parts[-1]
    assert '1. "Ann"\n2. ' in told and "as Person" not in told


@pytest.mark.parametrize("name", ["person", "PERSON", " Person "])
async def test_another_spelling_of_the_class_is_the_class(name: str) -> None:
    made, _ = await critique(classes(("Ann", name)), of=THREE[:1], profile=Profile.COMPACT)
    assert said(made) == (Verdict.CORRECT,)


@pytest.mark.parametrize("name", [NO_CLASS.lower(), NO_CLASS.upper(), None])
async def test_another_spelling_of_no_class_is_no_class(name: str | None) -> None:
    made, _ = await critique(classes(("Ann", name)), of=THREE[:1], profile=Profile.COMPACT)
    assert said(made) == (Verdict.SPURIOUS,)


async def test_a_phrase_is_asked_about_once_whatever_it_was_annotated_as() -> None:
    twice = instances(("Person", "Ann"), ("PlaceName", "Ann"))
    made, client = await critique(classes(("Ann", "Person")), of=twice, profile=Profile.COMPACT)
    assert said(made) == (Verdict.CORRECT, Verdict.WRONG_CLASS)
    assert [one and one.class_found for one in made.judged] == [None, "Person"]
    assert "2. " not in client.requests[0].messages[-1].parts[-1]


@pytest.mark.parametrize("key", [("1", "2", "3"), ("Ann", "“Bo”", "oslo")])
async def test_a_phrase_may_be_called_by_its_number_or_as_it_is(key: tuple[str, ...]) -> None:
    answer = {"classes": dict(zip(key, ("Person", "Other", "place name"), strict=True))}
    made, _ = await critique(answer, profile=Profile.COMPACT)
    assert said(made) == (Verdict.CORRECT, Verdict.SPURIOUS, Verdict.CORRECT)


async def test_a_phrase_that_was_passed_over_is_asked_for_again_by_its_number() -> None:
    with pytest.raises(CallFailedError, match="no verdict on mentions 2"):
        await critique(
            *[{"classes": {"1": "Person"}}] * 3, of=instances(("Person", "Ann"), ("PlaceName", "Ann"))
            + THREE[2:], profile=Profile.COMPACT
        )  # fmt: skip


# --- missing mentions ---


def missing(*named: tuple[str, str]) -> dict[str, Any]:
    listed = [{"class": name, "quote": quote} for name, quote in named]
    return verdicts(*["correct"] * 3) | {"missing": listed}


async def test_missing_mentions_are_located() -> None:
    made, _ = await critique(missing(("Person", "cy"), ("PlaceName", "Rome")))
    assert quoted(made) == [("Person", "Cy"), ("PlaceName", "Rome")]


@pytest.mark.parametrize(
    "named",
    [
        ("Person", "Zed"),
        ("Person", ""),
        ("Person", '"Bo"'),
        ("Person", "Ann met"),
        ("Ship", "Rome"),
        ("PlaceName", "in Oslo, and"),
    ],
    ids=["nowhere", "blank", "listed", "touches a listed one", "no class", "holds a listed one"],
)
async def test_what_a_string_search_can_settle_is_not_the_critics_word(named: tuple[str, str]) -> None:
    made, _ = await critique(missing(named))
    assert made.missing == ()


async def test_a_mention_of_another_class_in_the_same_place_may_be_missing() -> None:
    made, _ = await critique(missing(("PlaceName", "Ann"), ("PlaceName", "Ann"), ("place_name", "Rome")))
    ann, rome = TEXT.index("Ann"), TEXT.index("Rome")
    assert [(name, start) for name, (start, _) in made.missing] == [
        ("PlaceName", ann),
        ("PlaceName", TEXT.rindex("Ann")),
        ("PlaceName", rome),
    ]


async def test_a_missing_mention_counts_wherever_it_stands_unlisted() -> None:
    made, _ = await critique(missing(("Person", "Ann")))
    assert made.missing == (("Person", (TEXT.rindex("Ann"), TEXT.rindex("Ann") + 3)),)  # the first is listed


@pytest.mark.parametrize(
    "listed",
    [
        [{"class": "Person", "quotes": ["Cy"]}, {"class": "PlaceName", "quotes": None}],
        [{"class": "Person", "quotes": "Cy"}],
        {"Person": ["Cy"], "PlaceName": []},
        {"Person": "Cy", "PlaceName": None},
    ],
)
async def test_missing_mentions_are_named_class_by_class_in_any_form(listed: Any) -> None:
    made, _ = await critique(verdicts(*["correct"] * 3) | {"missing": listed})
    assert quoted(made) == [("Person", "Cy")]


# --- remarks ---


def remark(**changed: Any) -> dict[str, Any]:
    plain = {
        "code": "GUIDELINE_CONTRADICTION",
        "class": "Person",
        "severity": "major",
        "message": "both ways",
    }
    return verdicts(*["correct"] * 3) | {"remarks": [plain | changed]}


async def test_remarks_become_findings() -> None:
    made, _ = await critique(remark())
    (finding,) = made.remarks
    assert (finding.code, finding.severity, finding.raised_by) == (
        FindingCode.GUIDELINE_CONTRADICTION,
        Severity.MAJOR,
        "critic",
    )
    assert (finding.class_name, finding.message, finding.target) == ("Person", "both ways", Agent.WRITER)


@pytest.mark.parametrize(("said", "known"), [("Ship", None), (None, None), ("place_name", "PlaceName")])
async def test_a_remark_is_about_a_class_of_the_schema_or_none(said: str | None, known: str | None) -> None:
    made, _ = await critique(remark(**{"class": said}))
    assert [finding.class_name for finding in made.remarks] == [known]


@pytest.mark.parametrize("code", ["UNGROUNDED", "DUPLICATE", "SPURIOUS", "NONSENSE"])
async def test_the_critic_cannot_raise_what_code_decides(code: str) -> None:
    with pytest.raises(CallFailedError):
        await critique(*[remark(code=code)] * 3)


async def test_nulls_are_empty_lists() -> None:
    made, _ = await critique(verdicts(*["correct"] * 3) | {"missing": None, "remarks": None})
    assert made.missing == () and made.remarks == ()


async def test_no_remarks_are_asked_of_a_small_model() -> None:
    answer = classes(("Ann", "Person")) | {"remarks": [{"code": "SCHEMA_OVERLAP", "message": "x"}]}
    made, _ = await critique(answer, of=THREE[:1], profile=Profile.COMPACT)
    assert made.remarks == ()


# --- objections ---


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.CORRECT])
@pytest.mark.parametrize("disputed", [True, False])
def test_a_verdict_is_a_finding_for_the_annotators(verdict: Verdict, disputed: bool) -> None:
    finding = objection(verdict, THREE[1], disputed=disputed)
    assert finding.code is OBJECTIONS[verdict] and ROUTES[finding.code] is Agent.ANNOTATOR
    assert (finding.class_name, finding.quote) == ("Person", '"Bo"') and finding.message
    assert finding.severity is (Severity.MINOR if disputed else Severity.MAJOR)


def test_an_objection_to_a_class_says_which_was_found() -> None:
    finding = objection(Verdict.WRONG_CLASS, THREE[0], "PlaceName", disputed=False)
    assert finding.message == "it is a mention of PlaceName"


@pytest.mark.parametrize("profile", Profile)
async def test_a_grammar_goes_where_it_is_taken(profile: Profile) -> None:
    answer = verdicts(*["correct"] * 3) | classes(*[(one.surface, one.class_name) for one in THREE])
    for takes in (True, False):
        _, client = await critique(answer, profile=profile, takes_grammar=takes)
        assert (client.requests[0].grammar is not None) == takes
