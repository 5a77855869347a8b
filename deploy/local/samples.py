"""The sample articles, and their way into ingest."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from deploy.local.console import Console
from luotdoc_subscriber.base.command import Command

Sample = dict[str, Any]
_FOLDER = Path(__file__).parent / "samples"
_MEDIA = re.compile(r"media:([A-Za-z0-9._-]+)")
_NOT_SENT = {"id", "hours_ago"}


def media_names(sample: Sample) -> set[str]:
    """The files that `sample` refers to as `media:NAME`, in its picture or its text."""
    return set(_MEDIA.findall(json.dumps(sample)))


def article_body(
    sample: Sample, media: Mapping[str, str], stored: str | None, now: datetime
) -> Sample:
    """The body of the PUT for `sample`.

    `media` has the path of each uploaded picture by its file name. An article that is in ingest
    keeps its time of publication, `stored` (RFC 3339); a new one was published `hours_ago` before
    `now`.
    """
    published = stored or (now - timedelta(hours=sample["hours_ago"])).isoformat(timespec="seconds")
    text = json.dumps({key: value for key, value in sample.items() if key not in _NOT_SENT})
    body: Sample = json.loads(_MEDIA.sub(lambda match: media[match[1]], text))
    return {**body, "published_at": published}


def read_samples(folder: Path = _FOLDER) -> list[Sample]:
    """All sample articles, in the order of their file names."""
    return [json.loads(path.read_text()) for path in sorted((folder / "articles").glob("*.json"))]


async def load_samples(
    client: httpx.AsyncClient, ingest: str, samples: list[Sample], console: Console
) -> dict[str, str]:
    """Put pictures and articles into `ingest`. Returns each published article's path by its id.

    Idempotent. Raises httpx.HTTPError.
    """
    names = sorted(set().union(*map(media_names, samples)))
    media, paths = {}, {}
    now = datetime.now(UTC)
    with console.progress("pictures loaded", len(names)) as done:
        for name in names:
            content = (_FOLDER / "media" / name).read_bytes()
            answer = await client.put(f"{ingest}/media/{name}", content=content)
            media[name] = answer.raise_for_status().json()["path"]
            done()
    with console.progress("articles loaded", len(samples)) as done:
        for sample in samples:
            url = f"{ingest}/articles/{sample['id']}"
            known = await client.get(url)
            if known.status_code != httpx.codes.NOT_FOUND:
                known.raise_for_status()
            stored = known.json().get("published_at") if known.is_success else None
            answer = await client.put(url, json=article_body(sample, media, stored, now))
            if sample["hours_ago"] >= 0:
                paths[sample["id"]] = urlsplit(answer.raise_for_status().json()["url"]).path
            done()
    return paths


async def main() -> int:
    """Load all samples into a running ingest. Returns the exit status."""
    parser = Command(prog="python -m deploy.local.samples", description=__doc__)
    parser.add_argument(
        "ingest", metavar="URL", help="ingest's address; SAMPLES_TOKEN in the environment may write"
    )
    arguments = parser.parse_args()
    headers = {"Authorization": f"Bearer {os.environ.get('SAMPLES_TOKEN', '')}"}
    try:
        async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as client:
            await load_samples(client, arguments.ingest.rstrip("/"), read_samples(), Console())
    except httpx.HTTPStatusError as error:
        hint = (
            "; set SAMPLES_TOKEN to a token of LUOTDOC_TOKENS"
            if error.response.status_code in (401, 403)
            else ""
        )
        print(f"{error.request.url}: {error.response.status_code}{hint}", file=sys.stderr)
        return 1
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        print(
            f"ingest at {arguments.ingest} does not answer: {str(error) or type(error).__name__}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
