"""Corrections of released schemas, with which the gate compares. Pure.

Released files stay unchanged. A correction is allowed only if every event ever sent in that version
fits the corrected schema; otherwise it would promise what the history breaks (docs/adr/0017).
"""

import copy

from shared.contract.schemas import ABOUT_ARTICLE, Schema


def corrected(version: str, schemas: dict[str, Schema]) -> dict[str, Schema]:
    """The corrected schemas of the release `version`, by the events' stems."""
    return {
        stem: _CORRECTIONS.get(version, _nothing)(stem, copy.deepcopy(held))
        for stem, held in schemas.items()
    }


def _nothing(_stem: str, schema: Schema) -> Schema:
    return schema


def _0_1_0(stem: str, schema: Schema) -> Schema:
    """0.1.0 described `subject` and `sequence` as optional everywhere,
    and an absent list in two ways.
    """
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
