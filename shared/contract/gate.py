"""The gate of event schemas: decides which changes between two releases are allowed. Pure.

Subscribers validate events with the schema of some release. They also get older events: from the
stream, a replay, or their own queues. So new events must fit the old schema, and old events the new
one.

Allowed are changes of words (titles, descriptions, examples), new optional fields and new events.
Anything else is refused and needs a new version, published beside the old one. Narrowing breaks the
history; widening, such as another value in an enumeration, breaks subscribers that rely on knowing
all.

It sees what stands in the schemas. It can't see what doesn't:
a default that a `default_factory` makes, what a validator accepts or changes, what a field means.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.contract.schemas import Schema

WORDS = frozenset({"$comment", "$schema", "title", "description", "examples", "deprecated"})
STRUCTURE = frozenset({"$defs", "properties", "required"})
"""Keywords that are judged by themselves; `$ref` is resolved before."""
ONE = {"items": "[]", "additionalProperties": ".*", "propertyNames": " (its names)"}
"""Keywords that contain a schema, with the suffix for its place in messages."""
SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
PATTERNS = "patternProperties"
NARROWER = {
    "minimum": max,
    "minLength": max,
    "minItems": max,
    "maximum": min,
    "maxLength": min,
    "maxItems": min,
}
VALUES = frozenset(NARROWER) | {
    "type", "const", "enum", "default", "format", "pattern", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf",
    "uniqueItems", "minProperties", "maxProperties", "discriminator", "contentEncoding",
    "contentMediaType",
}  # fmt: skip
"""Keywords without a schema inside.
A keyword that is not listed here or above is refused, because it can't be judged."""

Seen = frozenset[tuple[int, int]]
"""Pairs of schemas on the path from the event to a place.
They end the recursion for a model that contains itself."""


def breaks(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """The reasons why `new` breaks subscribers of `old`, one line each with event and field.
    Keys are events' names.
    """
    found = []
    for name, schema in old.items():
        if name not in new:
            found.append(
                f"{name}: the event is gone; older ones are still read, so it stays, published "
                "or not"
            )
        else:
            found += [
                f"{name}: {reason}"
                for reason in _compare(schema, new[name], (schema, new[name]), "")
            ]
    for name in new.keys() - old.keys():
        found += [
            f"{name}: {reason}"
            for reason in _compare(new[name], new[name], (new[name], new[name]), "")
        ]
    return found


def _compare(
    old: Schema, new: Schema, roots: tuple[Schema, Schema], at: str, seen: Seen = frozenset()
) -> Iterator[str]:
    """Compare two schemas of one place. `roots` resolve their references."""
    if (pair := (id(old), id(new))) in seen:
        return
    seen |= {pair}
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    before, after = _type(old, roots[0]), _type(new, roots[1])
    if before != after:
        yield f"{at or 'event'}: its type was {before}, is now {after}"
        return  # the rest follows from that
    for keyword in sorted((old.keys() | new.keys()) - WORDS - STRUCTURE):
        one, other = old.get(keyword), new.get(keyword)
        if keyword in ONE and isinstance(one, dict) and isinstance(other, dict):
            yield from _compare(one, other, roots, f"{at}{ONE[keyword]}", seen)
        elif (
            keyword in SCHEMA_LISTS
            and isinstance(one, list)
            and isinstance(other, list)
            and len(one) == len(other)
        ):
            for number, (each, its) in enumerate(zip(one, other, strict=True)):
                yield from _compare(
                    each, its, roots, f"{at}[{number}]" if keyword == "prefixItems" else at, seen
                )
        elif keyword == PATTERNS and one and other and one.keys() == other.keys():
            for pattern in one:
                yield from _compare(one[pattern], other[pattern], roots, f"{at}.*", seen)
        elif keyword not in VALUES | SCHEMA_LISTS | ONE.keys() | {PATTERNS}:
            yield (
                f"{at or 'event'}: the gate does not know {keyword}, and can't say what its "
                "change breaks"
            )
        elif _value(keyword, old) != _value(keyword, new):
            yield f"{at or 'event'}: {_told(keyword, old, new)}"
    yield from _properties(old, new, roots, at, seen)


def _properties(
    old: Schema, new: Schema, roots: tuple[Schema, Schema], at: str, seen: Seen
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        place = f"{at}.{name}" if at else name
        if name not in after:
            yield f"{place}: the field is gone; subscribers read it"
            continue
        if name in must_after - must_before:
            yield f"{place}: is now required; older events lack it"
        elif name in must_before - must_after:
            yield f"{place}: is no longer required; subscribers rely on it"
        yield from _compare(before[name], after[name], roots, place, seen)
    for name in after.keys() - before.keys():
        place = f"{at}.{name}" if at else name
        if name in must_after:
            yield f"{place}: is new and required; older events lack it"
        yield from _compare(after[name], after[name], (roots[1], roots[1]), place, seen)


def _told(keyword: str, old: Schema, new: Schema) -> str:
    before, after = old.get(keyword), new.get(keyword)
    if keyword == "enum" and before and after:
        gone, added = [v for v in before if v not in after], [v for v in after if v not in before]
        if gone:
            return f"the value {', '.join(map(repr, gone))} is gone; older events have it"
        return f"the value {', '.join(map(repr, added))} is new; subscribers were told all values"
    if keyword in NARROWER:
        narrower = before is None or (
            after is not None and NARROWER[keyword](before, after) == after
        )
        why = (
            "older events may not fit"
            if narrower
            else "new events may not fit what subscribers check"
        )
        return f"its {keyword} was {before}, is now {after}; {why}"
    if keyword == "default":
        return f"its default was {before!r}, is now {after!r}; that changes what older events say"
    return f"its {keyword} was {before!r}, is now {after!r}"


def _type(schema: Schema, root: Schema) -> str:
    """The name of the type, or the alternatives' names in order."""
    each_of = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return " or ".join(str(_resolved(each, root).get("type", "any")) for each in each_of)


def _value(keyword: str, schema: Schema) -> Any:
    """The value of a keyword in a comparable form. Absent is not null."""
    value = schema.get(keyword, ...)
    if keyword == "enum" and value is not ...:
        return sorted(map(repr, value))
    if keyword == "discriminator" and value is not ...:
        # The alternatives themselves are compared one by one; their names in `mapping` may change.
        named = [each.get("$ref", each) for each in schema.get("oneOf", ())]
        places = {
            tag: named.index(each) if each in named else each
            for tag, each in value.get("mapping", {}).items()
        }
        return {**value, "mapping": places}
    return value


def _resolved(schema: Schema, root: Schema) -> Schema:
    """`schema` with its reference resolved; its own keywords override the target's."""
    if "$ref" not in schema:
        return schema
    target: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {
        **_resolved(target, root),
        **{key: value for key, value in schema.items() if key != "$ref"},
    }
