"""The JSON Schemas that are made from an event's class, by hand."""

from typing import ClassVar, Literal

import pytest
from pydantic import BaseModel, Field

from luotdoc_events.events import KINDS, Data
from shared.contract.schemas import attributes, data_schema, event_schema, model_schema, stem

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Place(BaseModel):
    """A place."""

    name: str


class Sketch(Data):
    """A sketch was made."""

    name: ClassVar[str] = "sketch.made"
    version: ClassVar[int] = 2
    text: str = Field(description="the words under it")
    mood: Literal["dry", "wet"] = Field("dry", title="Mood", description="the weather")
    size: Literal["small", "large"] = "small"
    tags: list[str] = Field([])
    place: Place | None = None


class Tick(Data):
    """A second passed."""

    name: ClassVar[str] = "tick"
    of_article: ClassVar[bool] = False


MOOD = {"title": "Mood", "type": "string", "enum": ["dry", "wet"]}
PLACE = {
    "title": "Place",
    "description": "A place.",
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}
SKETCH = {
    "title": "Sketch",
    "description": "A sketch was made.",
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "the words under it"},
        "mood": {"$ref": "#/$defs/Mood", "default": "dry", "description": "the weather"},
        "size": {"type": "string", "enum": ["small", "large"], "default": "small"},
        "tags": {"type": "array", "items": {"type": "string"}},  # absent means empty
        "place": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}], "default": None},
    },
    "required": ["text"],
}


def test_the_schema_of_data_has_no_titles_but_those_that_name_types() -> None:
    assert data_schema(Sketch) == {
        "$schema": DIALECT,
        **SKETCH,
        "$defs": {"Mood": MOOD, "Place": PLACE},
    }
    assert data_schema(Tick) == {
        "$schema": DIALECT,
        "title": "Tick",
        "description": "A second passed.",
        "type": "object",
        "properties": {},
    }


def test_the_schema_of_an_event_needs_no_other_file() -> None:
    schema = event_schema(Sketch)
    properties = schema.pop("properties")
    assert schema == {
        "$schema": DIALECT,
        "title": "SketchEvent",
        "description": "A sketch was made.",
        "type": "object",
        "required": [
            *("specversion", "id", "source", "type", "subject", "time"),
            *("datacontenttype", "dataschema", "sequence", "data"),
        ],
        "$defs": {"Sketch": SKETCH, "Mood": MOOD, "Place": PLACE},
    }
    assert list(properties) == [
        *("specversion", "id", "source", "type", "subject", "time"),
        *("datacontenttype", "dataschema", "sequence", "correlationid", "traceparent", "data"),
    ]
    assert properties["data"] == {"$ref": "#/$defs/Sketch"}
    assert event_schema(Tick)["$defs"].keys() == {"Tick"}


def test_references_have_the_form_that_a_document_needs() -> None:
    fields = model_schema(Sketch, "#/components/schemas/{model}")["properties"]
    assert fields["mood"]["$ref"] == "#/components/schemas/Mood"
    assert fields["place"]["anyOf"][0] == {"$ref": "#/components/schemas/Place"}


def test_attributes_are_never_null_and_without_default() -> None:
    properties, _ = attributes(Sketch)
    assert all(properties[name].pop("description") for name in properties)
    assert properties == {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "const": "luotdoc.sketch.made.v2"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string", "const": "application/json"},
        "dataschema": {
            "type": "string",
            "format": "uri",
            "pattern": r"/sketch\.made\.v2\.json$",
        },
        "sequence": {"type": "string", "pattern": "^[0-9]{20}$"},
        "correlationid": {"type": "string"},
        "traceparent": {"type": "string"},
    }


@pytest.mark.parametrize("kind", [*KINDS, Sketch, Tick])
def test_subject_and_sequence_are_of_events_about_one_article(kind: type[Data]) -> None:
    properties, required = attributes(kind)
    assert {"subject", "sequence"} & properties.keys() == (
        {"subject", "sequence"} if kind.of_article else set()
    )
    assert properties.keys() - set(required) == {"correlationid", "traceparent"}


def test_an_event_s_files_are_named_by_its_version() -> None:
    assert (stem(Sketch), stem(Tick)) == ("sketch.made.v2", "tick.v1")
