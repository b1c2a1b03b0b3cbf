"""The JSON schema that says how an annotation is to be written."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict
from schemas_to_annotate import PLAIN, RICH

from agents.annotation_answer import answer_model
from agents.annotation_form import has_only_span
from schemas.annotation import Instance
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind


def test_a_class_inside_itself_has_a_finite_form() -> None:
    schema = answer_model(RICH, RICH.names).model_json_schema()
    assert len(json.dumps(schema)) < 20_000
    assert not has_only_span(RICH.classes[1]) and has_only_span(RICH.classes[0])


def test_the_form_has_a_list_for_every_class_in_the_order_shown() -> None:
    schema = answer_model(PLAIN, ("PlaceName", "Person")).model_json_schema()
    assert list(schema["properties"]) == ["PlaceName", "Person"]
    assert schema["properties"]["Person"]["description"] == "A human being."


class LetterForm(BaseModel):
    model_config = ConfigDict(title="Letter")

    span: str
    readers: list[str] = []
    place: str | None = None
    year: int | None = None
    weight: float | None = None
    answered: bool | None = None
    mood: Literal["warm", "cold"] | None = None
    summary: str | None = None
    sender: PersonForm | None = None
    answers: list[str] = []


class PersonForm(BaseModel):
    model_config = ConfigDict(title="Person")

    span: str


class MeetingForm(BaseModel):
    model_config = ConfigDict(title="Meeting")

    people: list[str]
    size: int | None = None


class Annotations(BaseModel):
    Person: list[str] = []
    Letter: list[LetterForm] = []
    Meeting: list[MeetingForm] = []


def test_the_form_is_what_pydantic_says_of_the_same_classes() -> None:
    form = json.dumps(answer_model(RICH, RICH.names).model_json_schema())
    assert form == json.dumps(Annotations.model_json_schema()).replace("Form", "")


def test_a_class_has_a_form_for_every_place_it_takes() -> None:
    def linked(name: str, other: str) -> ClassSpec:
        link = FieldSpec(name="of", type=FieldType(kind=Kind.CLASS, class_name=other, optional=True))
        return ClassSpec(name=name, fields=(FieldSpec(name="span"), link))

    schema = AnnotationSchema(classes=(linked("Cause", "Effect"), linked("Effect", "Cause")))
    forms = answer_model(schema, schema.names).model_json_schema()["$defs"]
    links = {name: form["properties"]["of"]["anyOf"][0] for name, form in forms.items()}
    assert links == {
        "Cause": {"$ref": "#/$defs/Effect"},
        "Effect": {"type": "string"},
        "Effect_2": {"$ref": "#/$defs/Cause_2"},
        "Cause_2": {"type": "string"},
    }
    answer = answer_model(schema, schema.names).model_validate_json(
        json.dumps({"Cause": [{"span": "Ann", "of": {"span": "Bo", "of": "Cy"}}]})
    )
    (cause,) = answer.instances()
    effect = cause.values["of"]
    assert isinstance(effect, Instance) and isinstance(effect.values["of"], Instance)
