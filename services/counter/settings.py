"""What counter is told, beyond `shared.base.settings`."""

from pydantic import Field

from shared.base.settings import Settings


class CounterSettings(Settings):
    """counter's own settings."""

    port: int = Field(8002, ge=0, le=65535, description="TCP port for health and metrics; 0 is any free one")
    flush_interval: float = Field(0.5, gt=0, le=60, description="seconds between flushes at most")
    flush_reads: int = Field(50_000, ge=1, le=1_000_000, description="reads in memory that make a flush due at once")
    prefetch: int = Field(1000, ge=1, le=65535, description="batches that RabbitMQ hands out unacked at most")
    hold: float = Field(
        30.0, gt=0, le=600, description="seconds to retry a flush before the batches are given back to RabbitMQ"
    )
