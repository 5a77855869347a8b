"""Generates the HTML page about the events, without scripts and other files. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from luotdoc_events import events
from shared.contract.asyncapi import PREAMBLE
from shared.contract.schemas import Schema, attributes, data_schema, stem

_LIMITS = {
    "minimum": "at least {}",
    "minLength": "length at least {}",
    "pattern": "{}",
    "const": "always {}",
}


@dataclass(frozen=True)
class Field:
    """A row of a table: the field's path, its type and limits,
    whether it is always present, and its meaning.
    """

    path: str
    type: str
    always: bool
    meaning: str


@dataclass(frozen=True)
class DescribedEvent:
    """An event, as shown on the page."""

    name: str
    stem: str
    type: str
    description: str
    fields: list[Field]
    example: str


def html_page(kinds: Iterable[type[events.Data]], examples: dict[str, Any], version: str) -> str:
    """The page as HTML; `examples` holds an event by the stem of each kind."""
    every = list(kinds)
    shown = [_event(kind, examples[stem(kind)]) for kind in every]
    properties = {name: schema for kind in every for name, schema in attributes(kind)[0].items()}
    required = [name for name in properties if all(name in attributes(kind)[1] for kind in every)]
    general = {
        name: {k: v for k, v in schema.items() if k != "pattern"}
        for name, schema in properties.items()
    }
    general["type"].pop("const")
    envelope = list(_fields({"properties": general, "required": required}, {}))
    environment = Environment(
        loader=PackageLoader("shared.contract", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    about = [part.replace("\n", " ") for part in PREAMBLE.split("\n\n")]
    return environment.get_template("page.html").render(
        events=shown, envelope=envelope, about=about, version=version
    )


def _event(kind: type[events.Data], example: Any) -> DescribedEvent:
    schema = data_schema(kind)
    said = " ".join(schema["description"].split())
    text = orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
    return DescribedEvent(
        kind.name, stem(kind), events.type_of(kind), said, list(_fields(schema, schema)), text
    )


def _fields(schema: Schema, root: Schema, under: str = "") -> Iterator[Field]:
    """Every field; fields of nested objects follow their parent."""
    for name, held in schema["properties"].items():
        inner, many = _inner(held, root)
        path = f"{under}{name}"
        yield Field(
            path, _type(held, root), name in schema.get("required", ()), held.get("description", "")
        )
        if "properties" in inner:
            yield from _fields(inner, root, f"{path}[]." if many else f"{path}.")


def _inner(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """A field's schema without null and list around it, and whether it is a list."""
    for each in schema.get("anyOf", ()):
        if each != {"type": "null"}:
            return _inner(each, root)
    if "items" in schema:
        return _inner(schema["items"], root)[0], True
    if "$ref" in schema:
        return root["$defs"][schema["$ref"].rpartition("/")[2]], False
    return schema, False


def _type(schema: Schema, root: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(each, root) for each in schema["anyOf"])
    if "items" in schema:
        return f"list of {_type(schema['items'], root)}"
    inner, _ = _inner(schema, root)
    limits = [text.format(inner[name]) for name, text in _LIMITS.items() if name in inner]
    limits += [f"one of {', '.join(inner['enum'])}"] if "enum" in inner else []
    limits += [f"else {schema['default']!r}"] if schema.get("default") else []
    return ", ".join([str(inner.get("format", inner["type"])), *limits])
