"""`GET /state`: lists the articles that a subscriber of ours holds,
for reconciliation (`shared/web/state_listing.py`).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from luotdoc_events.events import ARTICLE_ID
from shared.base.errors import INVALID, Problem
from shared.web.asgi import App, Receive, Scope, Send, check_query, query_value, respond
from shared.web.openapi import answered, as_text, problems, ref
from shared.web.state_listing import PAGE, Held, listing_lines

PATH = "/state"
LISTING_TYPE = "application/x-ndjson"


class HeldArticle(BaseModel):
    """One line of the listing: an article as this service holds it."""

    id: str
    revision: int = Field(ge=1)
    state: Literal["published", "withdrawn"]


AFTER = r"^([a-z0-9]{1,32})?$"
"""An article's id, or an empty string, with which reconciliation asks for the first page."""

PATHS: dict[str, dict[str, Any]] = {
    PATH: {
        "get": {
            "operationId": "get_state",
            "summary": "List the articles that this service holds",
            "description": (
                "One line for each article, sorted by id. A page with fewer lines than `limit` "
                "is the last."
            ),
            "tags": ["operation"],
            "parameters": [
                {
                    "name": "after",
                    "in": "query",
                    "description": (
                        "last id of the previous page; empty or absent for the first page"
                    ),
                    "schema": {"type": "string", "pattern": AFTER},
                },
                {
                    "name": "limit",
                    "in": "query",
                    "description": f"number of lines, 1 to {PAGE}",
                    "schema": {"type": "integer", "minimum": 1, "maximum": PAGE, "default": PAGE},
                },
            ],
            "responses": as_text(
                answered(200, "JSON lines.", content={LISTING_TYPE: {"schema": ref(HeldArticle)}})
                | problems(422, 431, 503)
            ),
        }
    }
}
MODELS = (HeldArticle,)


def listing(page: Callable[[str, int], Awaitable[Sequence[Held]]]) -> App:
    """The app that answers `GET /state`.
    `page(after, limit)` reads a page of the held articles, sorted by id.
    """

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise Problem(405, "only GET and HEAD", headers=[("allow", "GET, HEAD")])
        check_query(scope)
        after, limit = query_value(scope, "after"), query_value(scope, "limit") or str(PAGE)
        faults = []
        if after and not re.fullmatch(ARTICLE_ID.replace("$", ""), after):
            faults.append(
                {"path": "after", "message": f"must be an article's id, {ARTICLE_ID}, or empty"}
            )
        if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= PAGE:
            faults.append({"path": "limit", "message": f"must be a number from 1 to {PAGE}"})
        if faults:
            raise Problem(422, INVALID, faults)
        held = await page(after or "", int(limit))
        await respond(
            send,
            200,
            listing_lines(held),
            [(b"content-type", LISTING_TYPE.encode()), (b"cache-control", b"no-store")],
        )

    return answer
