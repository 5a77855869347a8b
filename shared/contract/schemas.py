"""JSON Schema 2020-12 of every event: of its `data`, which `dataschema` names, and of the event as a whole. Pure."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, NoDefault
from pydantic_core import core_schema

from luotdoc_events import events

Schema = dict[str, Any]

DIALECT = GenerateJsonSchema.schema_dialect

ABOUT_ARTICLE = ("subject", "sequence")
"""Attributes of events about one article: always there in those, never in others."""
OPTIONAL = frozenset({"correlationid"})
"""Attributes that may be missing in any event."""


class Untitled(GenerateJsonSchema):
    """Without a title for every field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: only the titles that `luotdoc_events.events` gives, which generators take as the names of types."""
        return False

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        """The default, unless it is an empty list: absent already means that, and modelina's Java can't write it."""
        default = super().get_default_value(schema)
        return NoDefault if default == [] else default


def stem(kind: type[events.Data]) -> str:
    """The name of an event's files, such as `article.published.v1`."""
    return events.schema_of(kind).removesuffix(".json")


def model_schema(kind: type[events.Data], ref: str = "#/$defs/{model}") -> Schema:
    """The schema of `data` with what it refers to in `$defs`; `ref` is how it refers to a model.

    An enumeration with a title stands there too: generators name the type after the definition or after its title.
    """
    schema = kind.model_json_schema(schema_generator=Untitled, ref_template=ref)
    named: dict[str, Schema] = {}
    for field in schema["properties"].values():
        if "enum" in field and (title := field.pop("title", None)):
            named[title] = {"title": title, "type": field.pop("type"), "enum": field.pop("enum")}
            field["$ref"] = ref.format(model=title)
    return {**schema, "$defs": {**named, **schema.get("$defs", {})}} if named else schema


def data_schema(kind: type[events.Data]) -> Schema:
    """What `data` may be. A field that is not required may be missing in older events; its default is its meaning."""
    return {"$schema": DIALECT, **model_schema(kind)}


def event_schema(kind: type[events.Data]) -> Schema:
    """What an event may be, attributes and `data`; it refers to no other file."""
    data = model_schema(kind)
    nested = data.pop("$defs", {})
    properties, required = attributes(kind)
    return {
        "$schema": DIALECT,
        "title": f"{kind.__name__}Event",
        "description": data["description"],
        "type": "object",
        "properties": {**properties, "data": {"$ref": f"#/$defs/{kind.__name__}"}},
        "required": [*required, "data"],
        "$defs": {kind.__name__: data, **nested},
    }


def attributes(kind: type[events.Data]) -> tuple[dict[str, Schema], list[str]]:
    """The CloudEvents attributes of an event: their schemas, and which are always there."""
    made = events.Envelope.model_json_schema(schema_generator=Untitled)["properties"]
    never = {"data"} if kind.of_article else {"data", *ABOUT_ARTICLE}
    properties = {name: _never_null(schema) for name, schema in made.items() if name not in never}
    properties["type"]["const"] = events.type_of(kind)
    properties["dataschema"]["format"] = "uri"
    properties["dataschema"]["pattern"] = f"/{events.schema_of(kind)}$".replace(".", r"\.")
    return properties, [name for name in properties if name not in OPTIONAL]


def _never_null(schema: Schema) -> Schema:
    """An attribute without a value is left out, so its schema knows no null."""
    if "anyOf" not in schema:
        return {name: value for name, value in schema.items() if name != "default"}
    value = next(each for each in schema["anyOf"] if each != {"type": "null"})
    return {**value, "description": schema["description"]}
