"""The gate: what may change in an event, and what is refused with which reason."""

import copy
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from luotdoc_events.events import ArticleId, Data, Envelope, Image
from shared.contract.errata import corrected
from shared.contract.gate import breaks
from shared.contract.schemas import Schema, event_schema, stem


class Note(Data):
    """What the events below have in common."""

    name: ClassVar[str] = "note.taken"


class Picture(BaseModel):
    """As `Image`, without its text, and with a field more."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    url: str
    caption: str = ""
    credit: str = ""
    width: int | None = None


class Strict(Note):
    """Takes no field that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Renamed(Note):
    """The same under another name."""

    name: ClassVar[str] = "note.written"


class Next(Note):
    """The same in another version."""

    version: ClassVar[int] = 2


class Larger(Image):
    """A picture with an optional field more."""

    width: int | None = None


class Row(BaseModel):
    """What the collections below hold."""

    name: str
    size: int = 0


class Line(BaseModel):
    """The same in other words."""

    name: Annotated[str, Field(description="what it is called")]
    size: int = 0
    colour: str | None = None


class Retyped(BaseModel):
    """Another `size`."""

    name: str
    size: str = ""


class Less(BaseModel):
    """Without `size`."""

    name: str


class Cat(Row):
    """One of the alternatives."""

    kind: Literal["cat"]


class Tom(Line):
    """The same."""

    kind: Literal["cat"]


class Lean(Less):
    """As `Cat`, without `size`."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other of the alternatives."""

    kind: Literal["dog"]


class Cow(BaseModel):
    """One more."""

    kind: Literal["cow"]


class Tree(BaseModel):
    """Holds its like."""

    row: Row
    under: list["Tree"] = []


class Bush(BaseModel):
    """The same in other words."""

    row: Line
    under: list["Bush"] = []


class Stump(BaseModel):
    """What it holds is another thing."""

    row: Retyped
    under: list["Stump"] = []


Key = Annotated[str, Field(pattern="^[a-z]+$")]
Name = Annotated[str, Field(max_length=5)]
Shorter = Annotated[str, Field(max_length=4)]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
TomPet = Annotated[Tom | Dog, Field(discriminator="kind")]
LeanPet = Annotated[Lean | Dog, Field(discriminator="kind")]
NoDog = Annotated[Cat | Cow, Field(discriminator="kind")]
Farm = Annotated[Cat | Dog | Cow, Field(discriminator="kind")]


FIELDS: dict[str, Any] = {
    "id": (ArticleId, ...),
    "text": (str, ...),
    "count": (Annotated[int, Field(ge=0, le=10)], 0),
    "mood": (Literal["dry", "wet", "hot"], "dry"),
    "tags": (list[str], []),
    "image": (Image | None, None),
    "short": (Annotated[str, Field(min_length=1, max_length=20)], "x"),
    "at": (AwareDatetime, ...),
    "rows": (dict[str, Row], {}),
    "keyed": (dict[Key, Row], {}),
    "pair": (tuple[Row, int], ...),
    "pet": (Pet, ...),
    "pets": (list[Pet], []),
    "tree": (Tree | None, None),
    "named": (dict[Name, Row], {}),
    "any": (Any, None),
}
GONE = ...
EVENT_GONE = "the event is gone; older ones are still read, so it stays, published or not"


def note(base: type[Data] = Note, **changes: Any) -> type[Data]:
    """The event with fields changed, added, or GONE; a field is its type and its default, `...`
    where it has none.
    """
    return made(
        base, {name: field for name, field in (FIELDS | changes).items() if field is not GONE}
    )


def made(base: type[Data], fields: dict[str, Any]) -> type[Data]:
    return create_model("Note", __base__=base, __doc__="An event of this test.", **fields)


def schemas(*kinds: type[Data]) -> dict[str, Schema]:
    return {stem(kind): event_schema(kind) for kind in kinds}


BREAKING: dict[str, tuple[type[Data], list[str]]] = {
    "a field removed": (note(text=GONE), ["data.text: the field is gone; subscribers read it"]),
    "two fields removed": (
        note(text=GONE, tags=GONE),
        ["data.text: the field is gone; subscribers read it",
         "data.tags: the field is gone; subscribers read it"],
    ),
    "an optional field removed": (note(tags=GONE), ["data.tags: the field is gone; subscribers "
                                                    "read it"]),
    "a field renamed to a required one": (
        note(text=GONE, body=(str, ...)),
        ["data.text: the field is gone; subscribers read "
         "it", "data.body: is new and required; older events lack it"],
    ),
    "a new required field": (note(body=(str, ...)), ["data.body: is new and required; older "
                                                     "events lack it"]),
    "an optional field made required": (
        note(tags=(list[str], ...)),
        ["data.tags: is now required; older events lack it"],
    ),
    "a required field made optional": (
        note(text=(str, "")),
        ["data.text: is no longer required; subscribers rely on it",
         "data.text: its default was None, is now ''; that changes what older events say"],
    ),
    "a field retyped": (note(text=(int, ...)), ["data.text: its type was string, is now integer"]),
    "a field retyped to a wider "
    "type": (note(count=(float, 0)), ["data.count: its type was integer, is now number"]),
    "a field that may be null": (
        note(text=(str | None, ...)), ["data.text: its type was string, is now string or null"],
    ),
    "a field that may no longer be null": (
        note(image=(Image, ...)),
        ["data.image: is now required; older events lack "
         "it", "data.image: its type was object or null, is now object"],
    ),
    "items retyped": (note(tags=(list[int], [])), ["data.tags[]: its type was string, is now "
                                                   "integer"]),
    "a time made a text": (note(at=(str, ...)), ["data.at: its format was 'date-time', is now "
                                                 "None"]),
    "a nested field removed": (
        note(image=(Picture | None, None)), ["data.image.alt: the field is gone; subscribers "
                                             "read it"],
    ),
    "an enumeration's value removed": (
        note(mood=(Literal["dry", "wet"], "dry")), ["data.mood: the value 'hot' is gone; older "
                                                    "events have it"],
    ),
    "an enumeration's value added": (
        note(mood=(Literal["dry", "wet", "hot", "cold"], "dry")),
        ["data.mood: the value 'cold' is new; subscribers were told all values"],
    ),
    "an enumeration opened": (
        note(mood=(str, "dry")), ["data.mood: its enum was ['dry', 'wet', 'hot'], is now None"],
    ),
    "a minimum raised": (
        note(count=(Annotated[int, Field(ge=1, le=10)], 0)),
        ["data.count: its minimum was 0, is now 1; older events may not fit"],
    ),
    "a maximum lowered": (
        note(count=(Annotated[int, Field(ge=0, le=9)], 0)),
        ["data.count: its maximum was 10, is now 9; older events may not fit"],
    ),
    "a maximum raised": (
        note(count=(Annotated[int, Field(ge=0, le=11)], 0)),
        ["data.count: its maximum was 10, is now 11; new events may not fit what subscribers "
         "check"],
    ),
    "a minimum dropped": (
        note(count=(Annotated[int, Field(le=10)], 0)),
        ["data.count: its minimum was 0, is now None; new events may not fit what subscribers "
         "check"],
    ),
    "a text's length limited": (
        note(text=(Annotated[str, Field(max_length=5)], ...)),
        ["data.text: its maxLength was None, is now 5; older events may not fit"],
    ),
    "a text's least length raised": (
        note(short=(Annotated[str, Field(min_length=2, max_length=20)], "x")),
        ["data.short: its minLength was 1, is now 2; older events may not fit"],
    ),
    "a pattern tightened": (
        note(id=(Annotated[str, Field(pattern=r"^[a-z]{1,32}$")], ...)),
        ["data.id: its pattern was '^[a-z0-9]{1,32}$', is now '^[a-z]{1,32}$'"],
    ),
    "a default changed": (
        note(count=(Annotated[int, Field(ge=0, le=10)], 1)),
        ["data.count: its default was 0, is now 1; that changes what older events say"],
    ),
    "unknown fields forbidden": (note(Strict), ["data: its additionalProperties was None, is "
                                                "now False"]),
    "a field retyped in a mapping": (
        note(rows=(dict[str, Retyped], {})),
        ["data.rows.*.size: its type was integer, is now string"],
    ),
    "a field removed in a mapping": (
        note(rows=(dict[str, Less], {})), ["data.rows.*.size: the field is gone; subscribers "
                                           "read it"],
    ),
    "a mapping's values retyped": (
        note(rows=(dict[str, int], {})), ["data.rows.*: its type was object, is now integer"],
    ),
    "a field removed in a mapping with a pattern": (
        note(keyed=(dict[Key, Less], {})), ["data.keyed.*.size: the field is gone; subscribers "
                                            "read it"],
    ),
    "a mapping's names made shorter": (
        note(named=(dict[Shorter, Row], {})),
        ["data.named (its names): its maxLength was 5, is now 4; older events may not fit"],
    ),
    "a field of any type retyped": (
        note(any=(str | None, None)), ["data.any: its type was any, is now string or null"],
    ),
    "a field removed in a tuple": (
        note(pair=(tuple[Less, int], ...)), ["data.pair[0].size: the field is gone; subscribers "
                                             "read it"],
    ),
    "a tuple's item retyped": (
        note(pair=(tuple[Row, str], ...)), ["data.pair[1]: its type was integer, is now string"],
    ),
    "a field removed in one of the alternatives": (
        note(pet=(LeanPet, ...)), ["data.pet.size: the field is gone; subscribers read it"],
    ),
    "a field removed in a list of alternatives": (
        note(pets=(list[LeanPet], [])), ["data.pets[].size: the field is gone; subscribers read "
                                         "it"],
    ),
    "one alternative more": (
        note(pet=(Farm, ...)),
        ["data.pet: its type was object or object, is now object or object or object"],
    ),
    "another tag": (
        note(pet=(NoDog, ...)),
        ["data.pet: its discriminator was {'mapping': {'cat': '#/$defs/Cat', 'dog': "
         "'#/$defs/Dog'}, 'propertyName': 'kind'}, is now {'mapping': {'cat': '#/$defs/Cat', "
         "'cow': '#/$defs/Cow'}, 'propertyName': 'kind'}",
         "data.pet.kind: its const was 'dog', is now 'cow'"],
    ),
    "a field retyped that holds its like": (
        note(tree=(Stump | None, None)),
        ["data.tree.row.size: its type was integer, is now string",
         "data.tree.under[].row.size: its type was integer, is now string"],
    ),
    "the event renamed": (note(Renamed), [EVENT_GONE]),
    "the version raised, the old one gone": (note(Next), [EVENT_GONE]),
}  # fmt: skip

COMPATIBLE: dict[str, list[type[Data]]] = {
    "nothing": [note()],
    "a new optional field": [note(weight=(int, 0))],
    "a new optional field that may be null": [note(place=(str | None, None))],
    "a new optional object": [note(second=(Image | None, None))],
    "a new optional field of a nested object": [note(image=(Larger | None, None))],
    "other words": [
        note(text=(Annotated[str, Field(title="Text", description="what", examples=["a"])], ...))
    ],
    "a renamed class with other words and a new optional field, wherever it stands": [
        note(
            rows=(dict[str, Line], {}),
            keyed=(dict[Key, Line], {}),
            pair=(tuple[Line, int], ...),
            pet=(TomPet, ...),
            pets=(list[TomPet], []),
            tree=(Bush | None, None),
        )
    ],
    "fields in another order": [made(Note, dict(reversed(FIELDS.items())))],
    "an enumeration in another order": [note(mood=(Literal["wet", "hot", "dry"], "dry"))],
    "a new event": [note(), note(Renamed)],
    "a new version beside the old one": [note(), note(Next, text=GONE, body=(str, ...))],
}


@pytest.mark.parametrize(("changed", "reasons"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_refused_with_its_reason(
    changed: type[Data], reasons: list[str]
) -> None:
    assert breaks(schemas(note()), schemas(changed)) == [
        f"note.taken.v1: {reason}" for reason in reasons
    ]


@pytest.mark.parametrize("kinds", COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_compatible_change_passes(kinds: list[type[Data]]) -> None:
    assert breaks(schemas(note()), schemas(*kinds)) == []


def test_the_attributes_are_gated_too() -> None:
    old = schemas(note())
    new = copy.deepcopy(old)
    attributes = new["note.taken.v1"]["properties"]
    attributes["type"]["const"] = "org.example.note"
    del attributes["sequence"]
    attributes["later"] = {"type": "string"}
    new["note.taken.v1"]["required"].append("later")
    assert breaks(old, new) == [
        "note.taken.v1: type: its const was 'luotdoc.note.taken.v1', is now 'org.example.note'",
        "note.taken.v1: sequence: the field is gone; subscribers read it",
        "note.taken.v1: later: is new and required; older events lack it",
    ]


def changed_tags(before: Schema, after: Schema) -> list[str]:
    """The reasons against a change of some keywords of `tags`."""
    found = []
    for keywords in (before, after):
        one = schemas(note())
        one["note.taken.v1"]["$defs"]["Note"]["properties"]["tags"] |= keywords
        found.append(one)
    return [reason.removeprefix("note.taken.v1: data.tags: ") for reason in breaks(*found)]


OLDER, NEWER = "older events may not fit", "new events may not fit what subscribers check"


@pytest.mark.parametrize(
    ("keyword", "before", "after", "told"),
    [
        ("minItems", 1, 2, OLDER),
        ("minItems", 2, 1, NEWER),
        ("minItems", None, 1, OLDER),
        ("maxItems", 2, 1, OLDER),
        ("maxItems", 1, 2, NEWER),
        ("maxItems", 2, None, NEWER),
        ("exclusiveMinimum", None, 0, None),
        ("exclusiveMaximum", 9, 8, None),
        ("multipleOf", 4, 2, None),
        ("uniqueItems", None, True, None),
        ("minProperties", 1, 2, None),
        ("maxProperties", 2, 1, None),
        ("contentEncoding", None, "base64", None),
        ("contentMediaType", "text/plain", "text/html", None),
    ],
)
def test_a_bound_is_a_change_in_both_directions(
    keyword: str, before: Any, after: Any, told: str | None
) -> None:
    old, new = ({} if value is None else {keyword: value} for value in (before, after))
    shown = f"{before}, is now {after}; {told}" if told else f"{before!r}, is now {after!r}"
    assert changed_tags(old, new) == [f"its {keyword} was {shown}"]
    assert changed_tags(old, old) == changed_tags(new, new) == []


@pytest.mark.parametrize(
    "words",
    [
        {"title": "Tags", "description": "what it is about", "examples": [["a"]]},
        {"$comment": "for us"},
        {"deprecated": True},
    ],
)
def test_words_may_change(words: Schema) -> None:
    assert changed_tags({}, words) == changed_tags(words, {}) == []


def test_each_part_of_an_intersection_is_compared() -> None:
    def parts(*bounds: int) -> Schema:
        return {"allOf": [{"type": "array", "maxItems": bound} for bound in bounds]}

    assert changed_tags(parts(5, 9), parts(5, 9)) == []
    assert changed_tags(parts(5, 9), parts(5, 8)) == [f"its maxItems was 9, is now 8; {OLDER}"]
    (told,) = changed_tags(parts(5, 9), parts(5))
    assert told.startswith("its allOf was [{'type': 'array', 'maxItems': 5}, ")


def test_names_of_another_pattern_are_a_change() -> None:
    old: Schema = {"patternProperties": {"^a": {}}}
    new: Schema = {"patternProperties": {"^b": {}}}
    assert changed_tags(old, new) == ["its patternProperties was {'^a': {}}, is now {'^b': {}}"]
    assert changed_tags({}, new) == ["its patternProperties was None, is now {'^b': {}}"]
    assert changed_tags(old, {}) == ["its patternProperties was {'^a': {}}, is now None"]


@pytest.mark.parametrize(
    "keyword", ["not", "if", "dependentSchemas", "$dynamicRef", "unevaluatedProperties"]
)
def test_a_keyword_that_the_gate_cannot_judge_is_refused(keyword: str) -> None:
    odd = schemas(note())
    odd["note.taken.v1"]["$defs"]["Note"]["properties"]["tags"][keyword] = {}
    plain = schemas(note(tags=GONE))
    reason = (
        f"note.taken.v1: data.tags: the gate does not know {keyword}, and can't say what its "
        "change breaks"
    )
    assert breaks(odd, odd) == [reason]
    assert breaks(plain, odd) == [reason]  # in a new field
    assert breaks({}, odd) == [reason]  # in a new event


def test_a_released_schema_is_compared_as_it_should_have_read() -> None:
    """0.1.0 told `subject` and `sequence` as optional, and an absent list in two ways; nothing else
    is forgiven.
    """
    new = schemas(note())
    told = copy.deepcopy(new)
    told["article.noted.v1"] = told.pop("note.taken.v1")
    for name in ("subject", "sequence"):
        told["article.noted.v1"]["required"].remove(name)
    told["article.noted.v1"]["$defs"]["Note"]["properties"]["tags"]["default"] = []
    want = {"article.noted.v1": new["note.taken.v1"]}
    assert breaks(corrected("0.1.0", told), want) == []
    assert len(breaks(corrected("0.2.0", told), want)) == len(breaks(told, want)) == 3
    never = {"reads.noted.v1": told["article.noted.v1"]}
    assert (
        not {"subject", "sequence"}
        & corrected("0.1.0", never)["reads.noted.v1"]["properties"].keys()
    )
    lost = copy.deepcopy(want)
    del lost["article.noted.v1"]["properties"]["subject"]
    assert breaks(corrected("0.1.0", told), lost) == [
        "article.noted.v1: subject: the field is gone; subscribers read it"
    ]


def test_the_envelope_is_that_of_the_code() -> None:
    assert set(event_schema(note())["properties"]) == set(Envelope.model_fields)
