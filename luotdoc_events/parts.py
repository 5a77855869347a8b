"""Parts of events: an article's picture, files and corrections, and the count of an article."""

from pydantic import BaseModel, ConfigDict, Field

from luotdoc_events.envelope import ArticleId, Int64, Moment


class Image(BaseModel):
    """A picture with its texts."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, title="ArticleImage"
    )  # TypeScript has an `Image`
    url: str = Field(description="address: absolute, or a path from the root of the site")
    alt: str = Field("", description="alternative text for people who don't see the picture")
    caption: str = Field("", description="plain text under the picture")
    credit: str = Field("", description="photographer or source")


class Translation(BaseModel):
    """The same article in another language."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    language: str = Field(description="its language, a BCP 47 tag")
    article: ArticleId


class Attachment(BaseModel):
    """A file for readers, such as the text of a decree."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    url: str = Field(description="address: absolute, or a path from the root of the site")
    title: str = Field(description="what readers see, plain text")
    type: str = Field("", description="media type, such as application/pdf; empty if unknown")
    size: Int64 = Field(0, ge=0, description="bytes; 0 if unknown")


class Correction(BaseModel):
    """A major change of an article that readers could already see."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    at: Moment = Field(description="time of the change")
    note: str = Field("", description="what was corrected, plain text; empty if not said")


class Count(BaseModel):
    """The counted reads of one article."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    article: ArticleId
    delta: Int64 = Field(
        description=(
            "reads that this flush added, negative if a correction took some away; informational, "
            "don't add deltas up"
        )
    )
    total: Int64 = Field(
        description=(
            "all counted reads of the article; of two totals keep that of the larger generation, "
            "of two with the same generation the larger"
        )
    )
    generation: Int64 = Field(
        0, description="larger after a correction that lowered the total; absent means 0"
    )

    @property
    def rank(self) -> tuple[int, int]:
        """(generation, total): of two counts of an article, keep the one of the larger rank."""
        return self.generation, self.total
