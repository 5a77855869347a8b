"""The keys of the site's file, as docs/operations.md lists them."""

from collections.abc import Iterator

from pydantic import BaseModel

from shared.base.site_file import tables_in

_KEY_OF = {
    "sections": "sections.SLUG",
    "map.districts": "map.districts.ID",
    "links": "links[]",
    "front": "front[]",
    "menu": "menu[]",
}
"""What stands for one of many tables."""


def site_keys(model: type[BaseModel], inside: str = "") -> Iterator[tuple[str, str]]:
    """Each dotted key with its meaning; a table before its keys."""
    for name, told in model.model_fields.items():
        key = f"{inside}{told.validation_alias or name}"
        yield key, str(told.description)
        for table in tables_in(told.annotation):
            yield from site_keys(table, f"{_KEY_OF.get(key, key)}.")


def key_table(model: type[BaseModel]) -> str:
    """The table in Markdown."""
    rows = [f"| `{key}` | {meaning} |" for key, meaning in site_keys(model)]
    return "\n".join(["| Key | Meaning |", "|---|---|", *rows])
