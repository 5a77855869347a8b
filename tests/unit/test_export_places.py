"""Exports leave MongoDB its time."""

import asyncio

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.stats.exporting.places import READING_BURST, READING_SHARE, ExportPlaces
from services.stats.metrics import StatsMetrics
from tests.support.jumping import play


def test_exports_together_read_for_a_share_of_the_time() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        places, read = ExportPlaces(StatsMetrics(new_registry()), loop.time), 0.0

        async def export() -> None:
            nonlocal read
            while loop.time() < 1000:
                async with places.reading():
                    await asyncio.sleep(0.05)
                read += 0.05

        await asyncio.gather(export(), export())
        assert read == pytest.approx(READING_BURST + READING_SHARE * 1000, rel=0.02)

    play(scene)
