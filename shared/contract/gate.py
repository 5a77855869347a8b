"""What may change between two releases. Pure.

Subscribers check events against the schema that they took, and read events that are older than the one they took: from
the stream, from a replay, from their own queues. So what is new must fit the old schema, and what is old the new one.
That leaves words (titles, descriptions, examples), new optional fields and new events. Anything else is refused:
narrowing breaks history; widening, such as a value more in an enumeration, breaks who was told that it knows them all.
It becomes a new version, published beside the old one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.contract.schemas import Schema

WORDS = frozenset({"$comment", "$schema", "title", "description", "examples", "deprecated"})
STRUCTURE = frozenset({"$defs", "$ref", "properties", "required", "items", "anyOf"})
NARROWER = {"minimum": max, "minLength": max, "minItems": max, "maximum": min, "maxLength": min, "maxItems": min}


def breaks(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """Why `new` breaks subscribers of `old`: a line for each reason, with event and field. By the events' names."""
    found = []
    for name, schema in old.items():
        if name not in new:
            found.append(f"{name}: the event is gone; older ones are still read, so it stays, published or not")
        else:
            found += [f"{name}: {reason}" for reason in _compare(schema, new[name], (schema, new[name]), "")]
    return found


def _compare(old: Schema, new: Schema, roots: tuple[Schema, Schema], at: str) -> Iterator[str]:
    """Go through two schemas of one place; `roots` are where their references lead."""
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    before, after = _type(old, roots[0]), _type(new, roots[1])
    if before != after:
        yield f"{at or 'event'}: its type was {before}, is now {after}"
        return  # the rest follows from that
    for keyword in sorted((old.keys() | new.keys()) - WORDS - STRUCTURE):
        if _value(keyword, old) != _value(keyword, new):
            yield f"{at or 'event'}: {_told(keyword, old, new)}"
    yield from _properties(old, new, roots, at)
    if "items" in old or "items" in new:
        yield from _compare(old.get("items", {}), new.get("items", {}), roots, f"{at}[]")
    for one, other in zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=True):
        yield from _compare(one, other, roots, at)


def _properties(old: Schema, new: Schema, roots: tuple[Schema, Schema], at: str) -> Iterator[str]:
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
        yield from _compare(before[name], after[name], roots, place)
    for name in after.keys() - before.keys():
        if name in must_after:
            yield f"{at}.{name}: is new and required; older events lack it".lstrip(".")


def _told(keyword: str, old: Schema, new: Schema) -> str:
    before, after = old.get(keyword), new.get(keyword)
    if keyword == "enum" and before and after:
        gone, added = [v for v in before if v not in after], [v for v in after if v not in before]
        if gone:
            return f"the value {', '.join(map(repr, gone))} is gone; older events have it"
        return f"the value {', '.join(map(repr, added))} is new; subscribers were told all values"
    if keyword in NARROWER:
        narrower = before is None or (after is not None and NARROWER[keyword](before, after) == after)
        why = "older events may not fit" if narrower else "new events may not fit what subscribers check"
        return f"its {keyword} was {before}, is now {after}; {why}"
    if keyword == "default":
        return f"its default was {before!r}, is now {after!r}; that changes what older events say"
    return f"its {keyword} was {before!r}, is now {after!r}"


def _type(schema: Schema, root: Schema) -> str:
    """The type's name; the alternatives' in their order where there are any."""
    return " or ".join(str(_resolved(each, root).get("type", "any")) for each in schema.get("anyOf", [schema]))


def _value(keyword: str, schema: Schema) -> Any:
    """What a keyword says, in a form that compares; absent is not null."""
    value = schema.get(keyword, ...)
    return sorted(map(repr, value)) if keyword == "enum" and value is not ... else value


def _resolved(schema: Schema, root: Schema) -> Schema:
    """`schema`, or what it refers to with its own words over it."""
    if "$ref" not in schema:
        return schema
    target: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
