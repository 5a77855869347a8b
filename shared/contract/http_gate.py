"""The gate of OpenAPI documents: decides which changes between two releases are allowed. Pure.

A client sends requests that the old document allowed, and relies on answers that it promised. So
requests may only become wider, and answers may only gain fields. Allowed are new operations,
optional parameters and fields, and new fields of answers. A new value in an answer's enumeration is
refused, because clients rely on knowing all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

HttpSchema = Mapping[str, Any]
LOWER, UPPER = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")
UNCHANGED = ("pattern", "format", "const", "not", "additionalProperties")
Roots = tuple[HttpSchema, HttpSchema]
"""The two documents, which resolve references."""


def http_breaks(old: HttpSchema, new: HttpSchema) -> list[str]:
    """The reasons why `new` breaks clients of `old`, one line each with operation and place."""
    roots, found = (old, new), list[str]()
    for path, item in old["paths"].items():
        for method, operation in item.items():
            name = f"{method.upper()} {path}"
            other = new["paths"].get(path, {}).get(method)
            reasons = (
                ["the operation is gone"] if other is None else _operation(operation, other, roots)
            )
            found += [f"{name}: {reason}" for reason in reasons]
    return found


def _operation(old: HttpSchema, new: HttpSchema, roots: Roots) -> Iterator[str]:
    if old["operationId"] != new["operationId"]:
        yield (
            f"its operation id was {old['operationId']}, is now {new['operationId']}; "
            "generated clients call it so"
        )
    if {} in old.get("security", [{}]) and {} not in new.get("security", [{}]):
        yield "now needs a token"
    before, after = (
        {(p["in"], p["name"]): p for p in each.get("parameters", ())} for each in (old, new)
    )
    for key in before.keys() | after.keys():
        if key not in after:
            yield f"{key[1]}: the parameter is gone"
        elif after[key].get("required") and not before.get(key, {}).get("required"):
            yield f"{key[1]}: is now required"
        elif key in before:
            yield from _schema(
                before[key]["schema"], after[key]["schema"], roots, key[1], sent=True
            )
    taken = new.get("requestBody", {}).get("content", {})
    for kind, content in old.get("requestBody", {}).get("content", {}).items():
        if kind not in taken:
            yield f"a body of {kind} is no longer taken"
        else:
            yield from _schema(
                content.get("schema", {}), taken[kind].get("schema", {}), roots, "body", sent=True
            )
    for status, answer in old["responses"].items():
        if status < "400":
            yield from _answer(status, answer, new["responses"].get(status), roots)


def _answer(status: str, old: HttpSchema, new: HttpSchema | None, roots: Roots) -> Iterator[str]:
    if new is None:
        yield f"{status}: no longer answered"
        return
    for name in old.get("headers", {}).keys() - new.get("headers", {}).keys():
        yield f"{status}: the header {name} is gone"
    given = new.get("content", {})
    for kind, content in old.get("content", {}).items():
        if kind not in given:
            yield f"{status}: {kind} is no longer answered"
        else:
            yield from _schema(
                content.get("schema", {}), given[kind].get("schema", {}), roots, status, sent=False
            )


def _schema(
    old: HttpSchema, new: HttpSchema, roots: Roots, at: str, *, sent: bool
) -> Iterator[str]:
    """Compare two schemas of one place. `sent`: in a request; otherwise in an answer."""
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    one, other = (
        [_resolved(each, root) for each in schema.get("anyOf", ())]
        for schema, root in zip((old, new), roots, strict=True)
    )
    if old.get("type") != new.get("type") or len(one) != len(other):
        yield f"{at}: its type was {_type(old, one)}, is now {_type(new, other)}"
        return
    for each, its in zip(one, other, strict=True):
        yield from _schema(each, its, roots, at, sent=sent)
    values, now = old.get("enum"), new.get("enum")
    lost = set(map(str, values or now or ())) - set(map(str, now or values or ()))
    added = set(map(str, now or values or ())) - set(map(str, values or now or ()))
    if (sent and (lost or (now and not values))) or (not sent and added):
        yield f"{at}: its values were {values}, are now {now}"
    for keyword in (*LOWER, *UPPER, *UNCHANGED) if sent else ():
        was, limit = old.get(keyword), new.get(keyword)
        if (
            limit is not None
            and was != limit
            and (keyword in UNCHANGED or was is None or (limit > was) is (keyword in LOWER))
        ):
            yield f"{at}: its {keyword} was {was}, is now {limit}; what clients send may be refused"
    if "items" in old and "items" in new:
        yield from _schema(old["items"], new["items"], roots, f"{at}[]", sent=sent)
    yield from _fields(old, new, roots, at, sent=sent)


def _fields(
    old: HttpSchema, new: HttpSchema, roots: Roots, at: str, *, sent: bool
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield f"{at}.{name}: the field is gone"
    for name in sorted(
        must_after - must_before if sent else (must_before - must_after) & after.keys()
    ):
        yield f"{at}.{name}: is now required" if sent else f"{at}.{name}: may now be missing"
    for name in sorted(before.keys() & after.keys()):
        yield from _schema(before[name], after[name], roots, f"{at}.{name}", sent=sent)


def _resolved(schema: HttpSchema, root: HttpSchema) -> HttpSchema:
    if "$ref" not in schema:
        return schema
    target: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _resolved(target, root)


def _type(schema: HttpSchema, alternatives: list[HttpSchema]) -> str:
    return " or ".join(str(each.get("type", "any")) for each in alternatives) or str(
        schema.get("type", "any")
    )
