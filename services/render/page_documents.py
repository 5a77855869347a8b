"""Pages as documents of MongoDB, and queries for them. Pure."""

from services.render.page import Page, PageChange, Wanted
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document

CHANGED_FIELDS = {
    "operationType": 1,
    **{
        f"{of}.{name}": 1
        for of in ("fullDocument", "updateDescription.updatedFields")
        for name in ("revision", "template")
    },
}
"""What the change stream sends of a change: a page has 50 KB, and each render gets every one."""


def filter_of(wanted: Wanted) -> Document:
    """The query for the pages that `wanted` describes."""
    found: Document = {"state": "published"}
    if wanted.ids is not None:
        found["_id"] = {"$in": [*wanted.ids]}
    if wanted.sections is not None:
        found["section"] = _one_of(wanted.sections)
    if wanted.tags is not None:
        found["tags"] = _one_of(wanted.tags)
    for name in ("language", "topic", "pinned"):
        if (value := getattr(wanted, name)) is not None:
            found[name] = value
    between = {"$gte": wanted.since, "$lt": wanted.until}
    if times := {sign: moment for sign, moment in between.items() if moment is not None}:
        found["published_at"] = times
    if (place := wanted.place) is not None:
        sign = "$gt" if wanted.newer else "$lt"
        behind = [
            {"published_at": {sign: place.time}},
            {"published_at": place.time, "_id": {sign: place.id}},
        ]
        # The bound beside the alternatives lets MongoDB begin in the index at the place.
        found["$and"] = [{"published_at": {f"{sign}e": place.time}}, {"$or": behind}]
    return found


def change_of(change: Document) -> PageChange:
    """A change of a page, as the change stream reports it; a page that was deleted by hand is at
    revision 0.
    """
    if change["operationType"] == "delete":
        return PageChange(change["documentKey"]["_id"], 0, None)
    whole = change.get("fullDocument")
    updated = change.get("updateDescription", {}).get("updatedFields", {})
    found = updated if whole is None else whole
    return PageChange(change["documentKey"]["_id"], found.get("revision"), found.get("template"))


def _one_of(values: tuple[str, ...]) -> object:
    return values[0] if len(values) == 1 else {"$in": [*values]}


def page_document(page: Page) -> Document:
    """A page as it is stored, without its id."""
    names = [name for name in page.__dataclass_fields__ if name not in ("id", "prepared")]
    document = {"v": DOCUMENT_VERSION, **{name: getattr(page, name) for name in names}}
    if page.state != "published":
        # A tombstone keeps the baseline: reads that happened stay in the site's total. And it keeps
        # the language, in which readers are told that the article is gone.
        del document["baseline"], document["language"]
    return document


def changed_fields(page: Page, old: Page) -> Document:
    """The fields of `page` to store over `old`, which was read without its parts. MongoDB has
    nothing to do for indexes on the others.
    """
    document, before = page_document(page), page_document(old)
    return {name: value for name, value in document.items() if value != before.get(name)}


def page_of(document: Document) -> Page:
    """A stored page, with the parts that were read."""
    readable_document("pages", document)
    fields = {
        name: document[name]
        for name in Page.__dataclass_fields__
        if name in document and name != "id"
    }
    return Page(id=document["_id"], **fields)


def outdated_filter(template: str) -> Document:
    """Public pages that have a mark, or were not rendered with `template`."""
    return {"state": "published", "$or": [{"template": {"$ne": template}}, {"untold": True}]}
