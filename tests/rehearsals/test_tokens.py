"""A token is replaced without a stop: clients with the old and with the new one are served, and a
batch that is sent under both is counted once.
"""

import re
from dataclasses import dataclass

import httpx
import pytest

from tests.chaos.fleet import Replica
from tests.rehearsals.traffic import traffic
from tests.support.system import System, until

pytestmark = pytest.mark.long
BATCH = {"reads": [{"article": "k1"}] * 7}


@dataclass(frozen=True)
class Made:
    """What `python -m services.ingest token` prints."""

    token: str
    digest: str

    @property
    def entry(self) -> str:
        """Its entry of `LUOTDOC_TOKENS`, always under the same name."""
        return f"cms:articles+reads:{self.digest}"


async def make_token(system: System) -> Made:
    made = await system.command("services.ingest", "token")
    assert made.returncode == 0, made.stderr
    words = dict(line.split() for line in made.stdout.splitlines())
    return Made(words["token"], words["digest"])


async def send_batch(system: System, ingest: Replica, token: str) -> httpx.Response:
    """The one batch that is repeated, with its key."""
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "across-tokens"}
    return await system.http.post(f"{ingest.url}/reads/batch", json=BATCH, headers=headers)


async def save(system: System, ingest: Replica, token: str) -> httpx.Response:
    """Save an article that nobody else edits."""
    return await system.http.put(
        f"{ingest.url}/articles/k1",
        json={"title": "Bài k1", "section": "thoi-su", "body_html": "<p>Nội dung</p>"},
        headers={"authorization": f"Bearer {token}"},
    )


async def refused(system: System, ingest: Replica) -> float:
    """Tokens that an ingest has refused as wrong."""
    metrics = (await system.http.get(f"{ingest.url}/metrics")).text
    (told,) = re.findall(r'^luotdoc_tokens_total\{.*"wrong"\} (\S+)$', metrics, re.MULTILINE)
    return float(told)


async def known(system: System, ingest: Replica) -> bool:
    """True if an ingest has heard of the article of the batch."""
    metrics = (await system.http.get(f"{ingest.url}/metrics")).text
    return "\nluotdoc_known_articles 4" in metrics


async def test_a_token_is_replaced(apart: System) -> None:
    old, new = await make_token(apart), await make_token(apart)
    apart.environment["TOKENS"] = old.entry
    async with traffic(apart, old.token, old.token) as running:
        first, second = running.fleet.of("ingest")
        assert (await save(apart, first, old.token)).status_code == 201
        await until(lambda: known(apart, second), 10, "the other ingest knows it")
        assert (await save(apart, first, new.token)).status_code == 401
        await running.more()

        apart.environment["TOKENS"] = f"{old.entry},{new.entry}"
        await running.restart("ingest")
        assert (await send_batch(apart, first, old.token)).status_code == 200
        await running.more()  # the clients still have the old one
        running.editor.token = running.load.token = new.token
        assert (await send_batch(apart, second, new.token)).status_code == 200
        await running.more()
        for ingest in (first, second):
            assert await refused(apart, ingest) == 0

        apart.environment["TOKENS"] = new.entry
        await running.restart("ingest")
        for ingest in (first, second):
            assert (await save(apart, ingest, old.token)).status_code == 401
            assert (await send_batch(apart, ingest, old.token)).status_code == 401
            assert await refused(apart, ingest) == 2
            assert (await save(apart, ingest, new.token)).status_code == 200
            assert (await send_batch(apart, ingest, new.token)).status_code == 200
        await running.more()
        told = await running.end(extra=len(BATCH["reads"]))
        counted = await apart.by_article()
        print(
            f"tokens replaced: {told}; the batch of {len(BATCH['reads'])} reads under both "
            f"tokens, {counted['k1']} counted"
        )
        assert counted["k1"] == len(BATCH["reads"])
