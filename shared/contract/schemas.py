"""JSON Schema 2020-12 of every event:
of its `data` (the address in `dataschema`), and of the whole event. Pure.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, NoDefault
from pydantic_core import core_schema

from luotdoc_events import events

Schema = dict[str, Any]

DIALECT = GenerateJsonSchema.schema_dialect

ABOUT_ARTICLE = ("subject", "sequence")
"""Attributes that events about one article always have, and others never."""
OPTIONAL = frozenset({"correlationid", "traceparent"})
"""Attributes that may be missing in any event."""


class Untitled(GenerateJsonSchema):
    """Generates schemas without a title for each field, which would only repeat the field's
    name.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Always False: titles come only from `luotdoc_events.events`;
        generators use them as names of types.
        """
        return False

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        """The default, without empty lists:
        absent means the same, and modelina's Java can't express them.
        """
        default = super().get_default_value(schema)
        return NoDefault if default == [] else default


def stem(kind: type[events.Data]) -> str:
    """The name of an event's files, such as `article.published.v1`."""
    return events.schema_of(kind).removesuffix(".json")


def model_schema(kind: type[events.Data], ref: str = "#/$defs/{model}") -> Schema:
    """The schema of `data`, with its models in `$defs`; `ref` is the format of references.

    Enumerations with a title are in `$defs` too:
    generators name a type by its definition or its title.
    """
    schema = kind.model_json_schema(schema_generator=Untitled, ref_template=ref)
    named: dict[str, Schema] = {}
    for field in schema["properties"].values():
        if "enum" in field and (title := field.pop("title", None)):
            named[title] = {"title": title, "type": field.pop("type"), "enum": field.pop("enum")}
            field["$ref"] = ref.format(model=title)
    return {**schema, "$defs": {**named, **schema.get("$defs", {})}} if named else schema


def data_schema(kind: type[events.Data]) -> Schema:
    """The JSON Schema of `data`.
    An optional field may be missing in older events; its default is then its value.
    """
    return {"$schema": DIALECT, **model_schema(kind)}


def event_schema(kind: type[events.Data]) -> Schema:
    """The JSON Schema of a whole event, attributes and `data`, without references to other
    files.
    """
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
    """The CloudEvents attributes of an event: their schemas, and the names of the required ones."""
    made = events.Envelope.model_json_schema(schema_generator=Untitled)["properties"]
    never = {"data"} if kind.of_article else {"data", *ABOUT_ARTICLE}
    properties = {name: _never_null(schema) for name, schema in made.items() if name not in never}
    properties["type"]["const"] = events.type_of(kind)
    properties["dataschema"]["format"] = "uri"
    properties["dataschema"]["pattern"] = f"/{events.schema_of(kind)}$".replace(".", r"\.")
    return properties, [name for name in properties if name not in OPTIONAL]


def _never_null(schema: Schema) -> Schema:
    """An attribute's schema without null, because an attribute without a value is left out."""
    if "anyOf" not in schema:
        return {name: value for name, value in schema.items() if name != "default"}
    value = next(each for each in schema["anyOf"] if each != {"type": "null"})
    return {**value, "description": schema["description"]}
