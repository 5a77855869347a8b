"""`python -m services.ingest`: run it.

`… republish ID …`: send public articles again, under a new revision.
`… token`: make a token and print it with the digest that goes into the settings.
"""

import argparse
import asyncio
import secrets
import sys

from services.ingest.app import build
from services.ingest.article import Article, Change, republish
from services.ingest.settings import IngestSettings
from services.ingest.store import ArticleStore
from services.ingest.tokens import digest_of
from shared import mongo
from shared.app import main
from shared.clock import now
from shared.errors import Problem
from shared.settings import load


async def _republish(settings: IngestSettings, ids: list[str]) -> int:
    client, db = mongo.connect(settings.mongo_url, "ingest-republish")
    store, failed = ArticleStore(client, db, now), 0

    def decide(current: Article | None) -> Change:
        if current is None:
            raise Problem(404, "there is no such article")
        return republish(current, now(), settings.base_url)

    for article_id in ids:
        try:
            change = await store.change(article_id, decide, f"republish-{secrets.token_hex(4)}")
        except Problem as problem:
            failed += 1
            print(f"{article_id}: {problem.detail}", file=sys.stderr)  # noqa: T201
        else:
            said = f"revision {change.article.revision}" if change.changed else f"is {change.article.state}, left alone"
            print(f"{article_id}: {said}")  # noqa: T201
    client.close()
    return 1 if failed else 0


def _token() -> None:
    token = secrets.token_urlsafe(24)
    print(f"token   {token}\ndigest  {digest_of(token)}")  # noqa: T201


def run(arguments: list[str]) -> None:
    """Choose what to do."""
    parser = argparse.ArgumentParser(prog="python -m services.ingest", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    again = commands.add_parser("republish", help="send public articles again, under a new revision")
    again.add_argument("ids", nargs="+", metavar="ID")
    commands.add_parser("token", help="make a token and its digest")
    chosen = parser.parse_args(arguments)
    if chosen.command == "token":
        _token()
    elif chosen.command == "republish":
        raise SystemExit(asyncio.run(_republish(load(IngestSettings), chosen.ids)))
    else:
        main(IngestSettings, build)


if __name__ == "__main__":
    run(sys.argv[1:])
