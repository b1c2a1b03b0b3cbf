"""Schema lint, catch-all names, and class names from what models write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.lint import MAX_DEFINITION, MAX_GUIDELINE, class_name_from, is_catch_all, lint
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, Guideline, require_identifier

DEFINITIONS = (
    "A disease or disorder that a patient has or may have.",
    "A substance given to treat a patient.",
    "A ship, by its own name.",
    "Money asked or paid for something.",
)


def schema(*names: str) -> AnnotationSchema:
    classes = [
        ClassSpec(name=name, guideline=Guideline(definition=DEFINITIONS[i % len(DEFINITIONS)]))
        for i, name in enumerate(names)
    ]
    return AnnotationSchema(classes=tuple(classes))


def one(name: str, guideline: Guideline) -> AnnotationSchema:
    return AnnotationSchema(classes=(ClassSpec(name=name, guideline=guideline),))


def brief(findings: tuple[Finding, ...]) -> list[tuple[str, str, str | None]]:
    return [(finding.code.value, finding.severity.value, finding.class_name) for finding in findings]


def test_a_sound_schema_has_no_findings() -> None:
    names = ("Disease", "MedicalDevice", "Vessel", "Price")
    assert lint(schema(*names), used=names) == ()


@pytest.mark.parametrize(
    "name",
    "Information Info Data Type Types Item Items Thing Other Misc Document Text Details Result Value "
    "Attributes Category GeneralInformation PatientInformation PersonalDetails OtherDisease KeyFacts "
    "MiscItem NamedThing OtherEntity Entity1 RelatedConcept ListItem general_information METADATA".split(),
)
def test_catch_all_names_are_major_and_go_to_the_designer(name: str) -> None:
    assert is_catch_all(name)
    findings = lint(schema(name))
    assert brief(findings)[0] == ("SCHEMA_GENERIC", "major", name)
    assert findings[0].target is Agent.DESIGNER
    assert findings[0].raised_by == "lint"


@pytest.mark.parametrize(
    "name",
    "Disease Person Location BloodType LabResult DocumentTitle MainCharacter CreditRating Event Product "
    "RecordLabel ArtObject Object3DPrinter TextbookAuthor InformationOfficer DNA Datasource".split(),
)
def test_names_of_a_domain_are_no_catch_alls(name: str) -> None:
    assert not is_catch_all(name)
    assert brief(lint(schema(name))) == []


@pytest.mark.parametrize(
    "name", ["Warning", "Exception", "Entity", "List", "Optional", "Literal", "dataclass", "result"]
)
def test_names_that_hide_python_or_the_dialect_are_major_and_the_message_says_so(name: str) -> None:
    findings = lint(schema(name))
    assert brief(findings) == [("SCHEMA_GENERIC", "major", name)]
    assert "hides a name" in findings[0].message


def test_a_field_that_hides_a_type_is_major() -> None:
    fields = (FieldSpec(name="span"), FieldSpec(name="list"), FieldSpec(name="date"))
    guideline = Guideline(definition=DEFINITIONS[0])
    findings = lint(
        AnnotationSchema(classes=(ClassSpec(name="Disease", guideline=guideline, fields=fields),))
    )
    assert brief(findings) == [("SCHEMA_GENERIC", "major", "Disease")]
    assert "field list" in findings[0].message


@pytest.mark.parametrize(("name", "better"), [("medical_device", "MedicalDevice"), ("vessel", "Vessel")])
def test_names_not_in_capwords_are_minor_and_the_message_gives_the_better_one(name: str, better: str) -> None:
    findings = lint(schema(name))
    assert brief(findings) == [("SCHEMA_GENERIC", "minor", name)]
    assert better in findings[0].message


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        ("Disease", "Diseases", "major"),
        ("MedicalDevice", "medical_devices", "major"),
        ("Company", "Companies", "major"),
        ("Box", "Boxes", "major"),
        ("Organisation", "Organization", "minor"),
        ("DeviceMaker", "MakerDevice", "minor"),
        ("Disease", "Price", None),
        ("StartDate", "EndDate", None),
        ("HomeTeam", "AwayTeam", None),
    ],
)
def test_overlapping_names(first: str, second: str, severity: str | None) -> None:
    found = [item for item in brief(lint(schema(first, second))) if item[0] == "SCHEMA_OVERLAP"]
    assert found == ([("SCHEMA_OVERLAP", severity, second)] if severity else [])


@pytest.mark.parametrize(
    ("other", "severity"),
    [
        ("A person who plays in a match.", "major"),
        ("a person who plays in a Match.", "major"),
        ("A person who plays in the match.", "minor"),
        ("The place of a match.", None),
        ("", None),
    ],
)
def test_overlapping_definitions(other: str, severity: str | None) -> None:
    classes = (
        ClassSpec(name="Footballer", guideline=Guideline(definition="A person who plays in a match.")),
        ClassSpec(name="Stadium", guideline=Guideline(definition=other)),
    )
    found = [item for item in brief(lint(AnnotationSchema(classes=classes))) if item[0] == "SCHEMA_OVERLAP"]
    assert found == ([("SCHEMA_OVERLAP", severity, "Stadium")] if severity else [])


@pytest.mark.parametrize(
    ("guideline", "words"),
    [
        (Guideline(), "no definition"),
        (Guideline(definition="x" * (MAX_DEFINITION + 1)), f"{MAX_DEFINITION + 1} characters"),
        (Guideline(definition="A ship.", include=("y" * MAX_GUIDELINE,)), "The guideline of Vessel has"),
    ],
)
def test_guidelines_that_say_nothing_or_too_much_go_to_the_writer(guideline: Guideline, words: str) -> None:
    findings = lint(one("Vessel", guideline))
    assert brief(findings) == [("GUIDELINE_UNDERSPECIFIED", "minor", "Vessel")]
    assert findings[0].target is Agent.WRITER
    assert words in findings[0].message


def test_the_longest_definition_passes() -> None:
    assert lint(one("Vessel", Guideline(definition="x" * MAX_DEFINITION))) == ()


@pytest.mark.parametrize(("sibling", "words"), [("Harbour", "no class here"), ("Vessel", "from itself")])
def test_a_contrast_needs_a_sibling(sibling: str, words: str) -> None:
    contrast = (Contrast(sibling=sibling, difference="It floats."),)
    findings = lint(one("Vessel", Guideline(definition="A ship.", contrast=contrast)))
    assert brief(findings) == [("GUIDELINE_CONTRADICTION", "minor", "Vessel")]
    assert words in findings[0].message


def test_classes_that_nothing_uses_are_minor_only_once_something_was_annotated() -> None:
    two = schema("Disease", "Price")
    assert lint(two) == ()
    assert brief(lint(two, used={"Price"})) == [("SCHEMA_GENERIC", "minor", "Disease")]
    assert len(lint(two, used=())) == 2


def test_lint_is_stable_and_speaks_the_closed_vocabulary() -> None:
    messy = schema("Data", "Datum", "disease", "Diseases", "Warning")
    assert lint(messy) == lint(messy)
    assert {finding.code for finding in lint(messy)} <= set(FindingCode)
    assert any(finding.severity is Severity.MAJOR for finding in lint(messy))


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("medical device", "MedicalDevice"),
        ("Medical-Device ", "MedicalDevice"),
        ("medical_device", "MedicalDevice"),
        ("medicalDevice", "MedicalDevice"),
        ("DNA sequence", "DNASequence"),
        ("ORG", "ORG"),
        ("PERSON", "Person"),
        ("MEDICAL_DEVICE", "MedicalDevice"),
        ("Person(s)", "Person"),
        ("2024 event", "Event"),
        ("3D model", "DModel"),
        ("class", "Class"),
        ("Préfecture de police", "DePolice"),
        ("Préfecture", None),
        ("北京", None),
        ("None", None),
        ("12", None),
        ("  ", None),
        ("a" * 101, None),
    ],
)
def test_class_names_from_what_models_write(raw: str, name: str | None) -> None:
    assert class_name_from(raw) == name


@given(st.text(max_size=150))
def test_a_name_that_comes_back_is_usable_and_stays_as_it_is(raw: str) -> None:
    name = class_name_from(raw)
    if name is not None:
        assert require_identifier(name) == name
        assert name[0].isupper()
        assert class_name_from(name) is not None


@given(
    st.lists(
        st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True), min_size=1, max_size=6, unique=True
    )
)
def test_lint_takes_any_names(names: list[str]) -> None:
    usable = [name for name in names if _usable(name)]
    for finding in lint(schema(*usable)) if usable else ():
        assert finding.class_name in usable
        assert finding.message


def _usable(name: str) -> bool:
    try:
        return bool(require_identifier(name))
    except ValueError:
        return False


def test_a_phrase_is_no_example_of_a_class_and_of_what_is_none() -> None:
    spec = ClassSpec(
        name="Vessel",
        guideline=Guideline(definition="A ship.", negatives=("the fleet", "ANNE")),
        fields=(FieldSpec(name="span", examples=("Anne",)),),
    )
    (finding,) = lint(AnnotationSchema(classes=(spec,)))
    assert finding.code is FindingCode.GUIDELINE_CONTRADICTION and "'ANNE'" in finding.message
