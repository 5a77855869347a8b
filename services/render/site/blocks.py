"""Blocks of the front page. Pure."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from services.render.site.addresses import PathOrLink
from shared.base.site_basics import SiteTable
from shared.base.words import LongWords, SiteText

BlockKind = Literal["notice", "lead", "pinned", "latest", "section", "most_read", "trending"]
_FOR = {
    "section": ("section",),
    "text": ("notice",),
    "url": ("notice",),
    "window": ("most_read",),
    "count": ("lead", "pinned", "latest", "section", "most_read", "trending"),
}
"""The keys that only some kinds of blocks have."""


class FrontBlock(SiteTable):
    """A block of the front page."""

    kind: BlockKind = Field(
        validation_alias="block",
        description="`notice` (a strip with a text), `lead` (the newest articles, large), `pinned` "
        "(articles that editors pin), `latest`, `section`, `most_read`, `trending`",
    )
    section: str = Field("", max_length=100, description="of `section`: its slug")
    text: LongWords = Field(SiteText(""), description="of `notice`: what it says")
    url: PathOrLink | None = Field(None, description="of `notice`: where it leads")
    window: Literal["24h", "7d", "30d", "all"] = Field(
        "24h", description="of `most_read`: the time in which reads are counted"
    )
    count: Annotated[int, Field(ge=1, le=30)] = Field(
        5, description="articles that are shown at most"
    )

    @field_validator("*")
    @classmethod
    def _belongs(cls, value: object, info: ValidationInfo) -> object:
        kind, kinds = info.data.get("kind"), _FOR.get(info.field_name or "", ())
        if kinds and kind is not None and kind not in kinds:
            raise ValueError(f"is no key of a block {kind}, only of {', '.join(kinds)}")
        return value


FRONT = tuple(
    FrontBlock.model_validate({"block": kind, "count": count})
    for kind, count in (("pinned", 3), ("lead", 5), ("latest", 15))
)
"""The front page of a site that chooses none."""
