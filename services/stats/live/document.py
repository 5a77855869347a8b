"""What the OpenAPI document says of `/stats/live`."""

from typing import Any

from pydantic import BaseModel, Field

from luotdoc_events.events import ARTICLE_ID
from services.stats.answers import TimeText
from services.stats.live.route import LIVE_PATH, MOST_ARTICLES
from shared.web.openapi import answered, as_text, problems, ref

GENERATION = "of two figures the one with the larger generation is right; absent: 0"


class LiveSite(BaseModel):
    """The site's figures, as `/stats/site` has them. Of two totals of one generation the larger is
    right.
    """

    total: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int
    online: int | None = Field(description="null: not known")
    as_of: TimeText
    generation: int | None = Field(None, ge=1, description=GENERATION)


class LiveFrame(BaseModel):
    """The data of an event: what has changed since the last one. What has not is absent."""

    site: LiveSite | None = Field(None, description="absent: as before")
    articles: dict[str, int] | None = Field(
        None,
        description="reads by article id, baseline + counted; absent: as before. Without the "
        "parameter `article` these are the 50 articles that changed last",
        examples=[{"hello1": 7666}],
    )
    generations: dict[str, int] | None = Field(None, description=f"by article id: {GENERATION}")


LIVE_PATHS: dict[str, dict[str, Any]] = {
    LIVE_PATH: {
        "get": {
            "operationId": "get_live",
            "summary": "Follow the live figures",
            "description": (
                "Server-Sent Events, without an end. The data of each event is a `LiveFrame`. A "
                "client that is behind gets the newest figures, never a backlog. Every 15 seconds "
                "without an event a comment is sent. One that takes nothing for 30 seconds is "
                "dropped. When the server stops, the answer ends; `retry` says when to come back."
            ),
            "tags": ["statistics"],
            "parameters": [
                {
                    "name": "article",
                    "in": "query",
                    "description": f"ids of at most {MOST_ARTICLES} articles, joined by commas: "
                    "only their counts, and the site's figures with or just after them, or every 5 "
                    "seconds; "
                    "default: all that changes",
                    "schema": {
                        "type": "string",
                        "pattern": ARTICLE_ID.replace("$", "")
                        + "(,[a-z0-9]{1,32}){0,"
                        + str(MOST_ARTICLES - 1)
                        + "}$",
                    },
                },
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "the id of the last event: the answer begins with one event of "
                    "all that is newer. If it is of another process, with all figures",
                    "schema": {"type": "string"},
                },
            ],
            "responses": as_text(
                answered(
                    200,
                    "Events.",
                    content={
                        "text/event-stream": {
                            "schema": {
                                "type": "string",
                                "contentMediaType": "application/json",
                                "contentSchema": ref(LiveFrame),
                            }
                        }
                    },
                )
                | problems(
                    422,
                    431,
                    503,
                    also={
                        503: "Too many listen, or too many from this address, or the service is "
                        "stopping. Try again after `Retry-After`."
                    },
                )
            ),
        }
    }
}
LIVE_MODELS = (LiveFrame, LiveSite)
