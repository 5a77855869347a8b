"""The version `v` of documents: a reader refuses a document that a newer release has written.

Each store passes what it parses through `readable_document`. Two kinds of query don't look at `v`:
those that read ids alone, and sums that are answered from an index alone.
"""

from typing import Any

from shared.base.errors import NewerVersion

Document = dict[str, Any]

DOCUMENT_VERSION = 1
"""`v` of every document: the version of the shape that this code writes."""


def readable_document(collection: str, document: Document) -> Document:
    """`document`, unless its `v` is newer than `VERSION`; one without `v` is the oldest.

    Raises `NewerVersion` with the document's name and version.
    """
    version = document.get("v")
    if version is not None and not (
        isinstance(version, int | float) and version <= DOCUMENT_VERSION
    ):
        name = f"{collection}/{document['_id']}" if document.get("_id") else f"in {collection}"
        raise NewerVersion(
            f"the document {name} has version {version}, and this release reads up to "
            f"{DOCUMENT_VERSION}: run the release that wrote it"
        )
    return document


def with_version(pipeline: list[Document]) -> list[Document]:
    """`pipeline`, whose `$group` also answers the highest version of its documents as `v`.
    Pass each row through `readable_document`.
    """
    return [
        {"$group": {**stage["$group"], "v": {"$max": "$v"}}} if "$group" in stage else stage
        for stage in pipeline
    ]
