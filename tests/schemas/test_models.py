"""The models that flow: frozen, closed, described, and consistent in themselves."""

import importlib
import pkgutil
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import schemas
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.base import Model, one_line
from schemas.documents import Document, text_id
from schemas.errors import DocumentError, GuidexError, StoppedError, UsageError
from schemas.judgement import CODE_DECIDED, ROUTES, Agent, Finding, FindingCode, Scores, Severity, Thresholds
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline, Kind


def all_models() -> list[type[Model]]:
    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        importlib.import_module(module.name)
    found: list[type[Model]] = []
    queue = [Model]
    while queue:
        found += (children := queue.pop().__subclasses__())
        queue += children
    return [model for model in found if model.__module__.startswith("schemas.")]


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.__name__)
def test_every_model_is_closed_and_frozen_and_every_field_is_described(model: type[Model]) -> None:
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("frozen") is True
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_unknown_keys_and_changes_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Document.model_validate({"text": "a", "colour": "red"})
    with pytest.raises(ValidationError, match="frozen"):
        Document(text="a").text = "b"  # type: ignore[misc]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_document_without_an_id_gets_a_stable_hash_of_its_text(text: str) -> None:
    document = Document(text=text)
    assert document.id == Document(text=text, source="elsewhere").id == text_id(text)
    assert sha256(text.encode()).hexdigest().startswith(document.id)
    assert document.text == text
    assert Document.model_validate_json(document.model_dump_json()) == document


def test_a_given_id_is_kept_and_a_lone_surrogate_refused() -> None:
    assert Document(id="d1", text="a").id == "d1"
    with pytest.raises(ValidationError):
        Document(text="a\ud800")


@given(st.text())
def test_prose_is_one_printable_line(text: str) -> None:
    folded = one_line(text)
    assert isinstance(folded, str)
    assert folded.isprintable()
    assert one_line(folded) == folded
    assert folded == folded.strip()
    assert "result =" not in folded


def test_prose_leaves_words_alone_and_the_marker_is_disarmed() -> None:
    assert Guideline(definition=" A\n  ship,\tby\x00name ").definition == "A ship, by name"
    assert Guideline(definition="write result = []").definition == "write result= []"
    assert one_line(7) == 7


@pytest.mark.parametrize("name", ["class", "2nd", "a b", "", "_x", "Ärztin", "x" * 101, "a-b", "None", "x;y"])
def test_names_that_cannot_stand_in_code_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        ClassSpec(name=name)
    with pytest.raises(ValidationError):
        FieldSpec(name=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "literal"},
        {"kind": "str", "choices": ("a",)},
        {"kind": "class"},
        {"kind": "int", "class_name": "Person"},
        {"kind": "bytes"},
    ],
)
def test_field_types_are_a_closed_set(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FieldType.model_validate(fields)


def test_only_strings_are_verbatim_and_the_first_of_them_is_the_anchor() -> None:
    number = FieldSpec(name="age", type=FieldType(kind=Kind.INT), verbatim=True)
    assert number.verbatim is False
    spec = ClassSpec(name="Person", fields=(number, FieldSpec(name="name"), FieldSpec(name="town")))
    assert spec.anchor is spec.fields[1]
    assert ClassSpec(name="Age", fields=(number,)).anchor is None
    assert [field.name for field in ClassSpec(name="Ship").fields] == ["span"]


def test_a_schema_is_closed() -> None:
    ship = ClassSpec(name="Ship")
    owner = FieldSpec(name="owner", type=FieldType(kind=Kind.CLASS, class_name="Person"))
    with pytest.raises(ValidationError, match="two classes of one name"):
        AnnotationSchema(classes=(ship, ship))
    with pytest.raises(ValidationError, match=r"Ship\.owner refers to class 'Person'"):
        AnnotationSchema(classes=(ClassSpec(name="Ship", fields=(owner,)),))
    with pytest.raises(ValidationError, match="two fields of one name"):
        ClassSpec(name="Ship", fields=(FieldSpec(name="span"), FieldSpec(name="span")))
    with pytest.raises(ValidationError):
        AnnotationSchema(classes=())
    schema = AnnotationSchema(classes=(ship, ClassSpec(name="Person", fields=(owner,))))
    assert schema.names == ("Ship", "Person")
    assert schema.get("Ship") is schema.classes[0]
    assert schema.get("Port") is None


def nested() -> Instance:
    found = Mention(field="span", quote="Ann", start=0, end=3, status=MentionStatus.EXACT)
    captain = Instance(class_name="Person", values={"span": "Ann"}, mentions=(found,))
    return Instance(
        class_name="Ship",
        values={"span": "Astrid", "crew": (captain,), "masts": 3, "sunk": False, "tons": 1.5, "flag": None},
        mentions=(Mention(field="span", quote="Astrid"),),
    )


def test_nested_instances_are_walked_and_survive_json() -> None:
    ship = nested()
    assert [instance.class_name for instance in ship.walk()] == ["Ship", "Person"]
    annotation = Annotation(document_id="d", annotator="annotator-1", instances=(ship,))
    assert [mention.quote for mention in annotation.mentions] == ["Astrid", "Ann"]
    assert [mention.span for mention in annotation.mentions] == [None, (0, 3)]
    again = Annotation.model_validate_json(annotation.model_dump_json())
    assert again == annotation
    values = again.instances[0].values
    assert (values["sunk"], values["masts"], values["tons"]) == (False, 3, 1.5)
    assert isinstance(values["masts"], int) and isinstance(values["sunk"], bool)


def test_every_finding_has_one_agent_that_can_mend_it_and_that_is_never_the_critic() -> None:
    assert set(ROUTES) == set(FindingCode)
    assert Agent.CRITIC not in ROUTES.values()
    for code in FindingCode:
        finding = Finding(code=code, severity=Severity.MINOR, raised_by="lint")
        assert finding.target is ROUTES[code]
    assert CODE_DECIDED == {FindingCode.UNGROUNDED, FindingCode.DUPLICATE}


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_scores_and_thresholds_are_fractions(value: float) -> None:
    with pytest.raises(ValidationError):
        Scores(grounding=value)
    with pytest.raises(ValidationError):
        Thresholds(agreement=value)


def test_errors_carry_a_remedy_and_an_exit_code() -> None:
    error = DocumentError("a.csv does not exist.", "Check the path.")
    assert (str(error), error.remedy, error.exit_code) == ("a.csv does not exist.", "Check the path.", 2)
    assert issubclass(DocumentError, GuidexError)
    assert (UsageError.exit_code, StoppedError.exit_code, GuidexError.exit_code) == (2, 75, 1)
