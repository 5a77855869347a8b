"""Which documents a reader refuses by their version."""

from typing import Any

import pytest

from shared.base.errors import NewerVersion
from shared.storage.versions import readable_document, with_version


@pytest.mark.parametrize("version", [1, 1.0, 0, None])
def test_a_document_of_this_version_or_an_older_one_is_read(version: Any) -> None:
    document = {"_id": "a1", "v": version}
    assert readable_document("pages", document) is document


def test_a_document_without_a_version_is_the_oldest() -> None:
    assert readable_document("ledger", {"_id": "a1"}) == {"_id": "a1"}


@pytest.mark.parametrize("version", [2, 1.5, 7, "1", [1], {}])
def test_a_newer_one_is_refused_with_its_name_and_version(version: Any) -> None:
    with pytest.raises(NewerVersion) as raised:
        readable_document("pages", {"_id": "a1", "v": version})
    assert str(raised.value) == (
        f"the document pages/a1 has version {version}, and this release reads up to 1: "
        "run the release that wrote it"
    )
    assert raised.value.reason == "newer_version"


def test_a_row_that_stands_for_a_whole_collection_names_the_collection() -> None:
    with pytest.raises(NewerVersion, match="the document in books has version 2"):
        readable_document("books", {"_id": None, "v": 2})


def test_a_group_answers_the_highest_version_of_its_documents() -> None:
    match = {"$match": {"article": "a1"}}
    group = {"$group": {"_id": "$article", "reads": {"$sum": "$reads"}}}
    assert with_version([match, group]) == [
        match,
        {"$group": {"_id": "$article", "reads": {"$sum": "$reads"}, "v": {"$max": "$v"}}},
    ]
    assert "v" not in group["$group"]
