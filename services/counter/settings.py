"""counter's own settings, in addition to `shared.base.settings`."""

from pydantic import Field

from shared.base.settings import Settings
from shared.storage.archive import KEEP_DAYS_AT_LEAST


class CounterSettings(Settings):
    """Settings of counter."""

    port: int = Field(
        8002, ge=0, le=65535, description="TCP port for health and metrics; 0 is any free one"
    )
    flush_interval: float = Field(
        0.4,
        gt=0,
        le=60,
        description="seconds after which a read is counted, while flushes keep up",
    )
    flush_reads: int = Field(
        50_000, ge=1, le=1_000_000, description="reads in memory that start a flush at once"
    )
    prefetch: int = Field(
        1000, ge=1, le=65535, description="most batches that RabbitMQ delivers without an ack"
    )
    hold: float = Field(
        30.0,
        gt=0,
        le=600,
        description="seconds to retry a flush before the batches go back to RabbitMQ",
    )
    keep_buckets_days: int = Field(
        400,
        ge=KEEP_DAYS_AT_LEAST,
        le=36_500,
        description="days after which an article's buckets are moved to the archive, by whole "
        "months; no read is lost, and the site's own buckets stay",
    )
