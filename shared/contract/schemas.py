"""JSON Schema 2020-12 of every event: of its `data`, which `dataschema` names, and of the event as a whole. Pure."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from shared import events

Schema = dict[str, Any]

DIALECT = GenerateJsonSchema.schema_dialect


class Untitled(GenerateJsonSchema):
    """Without a title for every field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def stem(kind: type[events.Data]) -> str:
    """The name of an event's files, such as `article.published.v1`."""
    return events.schema_of(kind).removesuffix(".json")


def data_schema(kind: type[events.Data]) -> Schema:
    """What `data` may be. A field that is not required may be missing in older events; its default is its meaning."""
    return {"$schema": DIALECT, **kind.model_json_schema(schema_generator=Untitled)}


def event_schema(kind: type[events.Data]) -> Schema:
    """What an event may be, attributes and `data`; it refers to no other file."""
    data = kind.model_json_schema(schema_generator=Untitled)
    nested = data.pop("$defs", {})
    properties, required = attributes(kind)
    return {
        "$schema": DIALECT,
        "title": events.type_of(kind),
        "description": data["description"],
        "type": "object",
        "properties": {**properties, "data": {"$ref": f"#/$defs/{kind.__name__}"}},
        "required": [*required, "data"],
        "$defs": {kind.__name__: data, **nested},
    }


def attributes(kind: type[events.Data]) -> tuple[dict[str, Schema], list[str]]:
    """The CloudEvents attributes of an event: their schemas, and which are always there."""
    made = events.Envelope.model_json_schema(schema_generator=Untitled)["properties"]
    properties = {name: _never_null(schema) for name, schema in made.items() if name != "data"}
    optional = [name for name, schema in made.items() if "anyOf" in schema and name != "dataschema"]
    properties["type"]["const"] = events.type_of(kind)
    properties["dataschema"]["format"] = "uri"
    properties["dataschema"]["pattern"] = f"/{events.schema_of(kind)}$".replace(".", r"\.")
    return properties, [name for name in properties if name not in optional]


def _never_null(schema: Schema) -> Schema:
    """An attribute without a value is left out, so its schema knows no null."""
    if "anyOf" not in schema:
        return {name: value for name, value in schema.items() if name != "default"}
    value = next(each for each in schema["anyOf"] if each != {"type": "null"})
    return {**value, "description": schema["description"]}
