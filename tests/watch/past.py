"""A yesterday and a week ago for a Prometheus that was started minutes ago.

Its own samples of one metric are written once more, a day and a week earlier, by promtool. They are
moved by some seconds, so that the three lines of a panel differ.
"""

import asyncio
from pathlib import Path

from tests.support.prometheus import Prometheus, promtool
from tests.watch.answers import over
from tests.watch.boards import Span

METRIC = "luotdoc:reads:rate5m"
DAY = 86_400
EARLIER = (DAY - 20, 7 * DAY + 15)
"""Seconds by which the samples are moved back."""


async def give_past(prometheus: Prometheus, span: Span, folder: Path) -> None:
    """Write the samples of the span into the past. Prometheus is restarted, because it looks for
    new blocks at its start.
    """
    copied = await asyncio.to_thread(over, prometheus, METRIC, span)
    await asyncio.to_thread(prometheus.stop)
    for earlier in EARLIER:  # one file each: promtool reads a file once for every two hours in it
        lines = [f"# TYPE {METRIC} gauge"]
        for labels, points in copied:
            named = {key: value for key, value in labels.items() if key != "__name__"}
            told = ",".join(f'{key}="{value}"' for key, value in named.items())
            lines += [f"{METRIC}{{{told}}} {value} {at - earlier:.3f}" for at, value in points]
        file = folder / f"past-{earlier}.txt"
        file.write_text("\n".join([*lines, "# EOF", ""]))
        create = ("tsdb", "create-blocks-from", "openmetrics")
        await asyncio.to_thread(promtool, *create, str(file), str(prometheus.folder / "data"))
    await asyncio.to_thread(prometheus.start)
