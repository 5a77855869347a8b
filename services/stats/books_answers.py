"""The models of the answer about the books. Times are RFC 3339 in UTC, with milliseconds."""

from pydantic import BaseModel, Field

from services.stats.answers import TimeText


class EndedGap(BaseModel):
    """A gap of an epoch (one run of an ingest) that has ended."""

    epoch: str
    missing: int = Field(description="number of missing batches")


class RunningGap(BaseModel):
    """A gap in the epoch of a running ingest:
    batches that have been missing for more than a minute.
    """

    epoch: str
    missing: int = Field(description="number of missing batches")
    since: TimeText = Field(
        description="no batch from before this moment is missing; complete_through can't pass it"
    )
    why: str = Field(description="what may have happened, and what to do")


class Reconciliation(BaseModel):
    """The books, as of one moment: accepted = counted + filtered + parked, so `balance` is 0."""

    accepted: int = Field(
        description="reads in all batches that were counted or parked, filtered reads included"
    )
    counted: int
    filtered: dict[str, int] = Field(description="by reason")
    parked: int
    in_flight: int = Field(
        description="batches missing in the sequences of ingest; how many reads is not known"
    )
    balance: int = Field(
        description="accepted - counted - filtered - parked; anything but 0 is a fault"
    )
    corrected: dict[str, int] = Field(
        {},
        description=(
            "what recounts have changed since, by class, `reader` among them: included in counted "
            "and filtered; adds up to 0"
        ),
    )
    duplicates: int = Field(description="batches that arrived again and were not counted again")
    complete_through: TimeText | None
    lost: int = Field(
        description="batches that an operator declared lost; their reads are in no other term"
    )
    running_gaps: list[RunningGap] = Field(
        description="the gaps in in_flight that hold complete_through back"
    )
    gaps: list[EndedGap] = Field(
        description="the gaps in in_flight of ingests that were not seen for a minute"
    )
    as_of: TimeText
