"""What released schemas should have said: the gate compares with them as they are corrected here. Pure.

A released file stays as it is. An entry is honest only if every event that was ever sent in that version fits the
corrected schema; else subscribers would be promised what history does not keep (docs/adr/0017).
"""

import copy

from shared.contract.schemas import ABOUT_ARTICLE, Schema


def corrected(version: str, schemas: dict[str, Schema]) -> dict[str, Schema]:
    """The schemas of events that were released as `version`, by the events' stems, as they should have read."""
    return {stem: _CORRECTIONS.get(version, _nothing)(stem, copy.deepcopy(held)) for stem, held in schemas.items()}


def _nothing(_stem: str, schema: Schema) -> Schema:
    return schema


def _0_1_0(stem: str, schema: Schema) -> Schema:
    """`subject` and `sequence` were told as optional everywhere; an absent list had two spellings."""
    if stem.startswith(("article.", "page.")):
        schema["required"] += ABOUT_ARTICLE
    else:
        for name in ABOUT_ARTICLE:
            schema["properties"].pop(name, None)
    for model in schema["$defs"].values():
        if model["properties"].get("tags", {}).get("default") == []:
            del model["properties"]["tags"]["default"]
    return schema


_CORRECTIONS = {"0.1.0": _0_1_0}
