"""A subscriber that mails a digest of newly published articles.

    LUOTDOC_AMQP_URL=amqp://… python digest.py

It needs the package luotdoc-subscriber. It prints the mail unless LUOTDOC_SMTP_HOST names a server.
Articles to be mailed are stored in a file, so that an event can be acked before its mail is sent. A
compare-and-swap on the revision in that file drops older events.

Bind its queue, then have every article replayed into it once:
after that it knows which articles are new.
"""

import asyncio
import logging
import smtplib
import sqlite3
from email.message import EmailMessage
from pathlib import Path

from pydantic import Field

from luotdoc_events.events import Article, ArticlePublished, ArticleWithdrawn
from luotdoc_subscriber import (
    Command,
    Event,
    SubscriberSettings,
    Unguarded,
    load,
    make_broker,
    run,
    subscribe,
)


class Settings(SubscriberSettings):
    """Settings from the environment."""

    digest_file: Path = Field(
        Path("digest.sqlite"), description="where the articles to be mailed are kept"
    )
    digest_seconds: float = Field(3600, gt=0, description="seconds between two digests")
    smtp_host: str = Field(
        "", description="mail server, host or host:port; empty prints the digest"
    )
    mail_from: str = Field("toa-soan@example.vn", description="sender")
    mail_to: str = Field("ban-doc@example.vn", description="recipients, separated by commas")


# The title is NULL while an article is withdrawn.
TABLE = "CREATE TABLE IF NOT EXISTS articles (id PRIMARY KEY, revision, title, url, due)"
PUT = """INSERT INTO articles VALUES (:id, :revision, :title, :url, :news)
    ON CONFLICT (id) DO UPDATE
    SET revision = :revision, title = :title, url = :url, due = CASE
        WHEN :title IS NULL THEN 0
        WHEN :news AND (:published OR title IS NULL) THEN 1
        ELSE due END
    WHERE revision < :revision"""

Command(prog="digest.py", description=__doc__, settings=Settings).parse_args()
settings = load(Settings)
broker = make_broker(settings, "digest")
file = sqlite3.connect(settings.digest_file, isolation_level=None)
file.execute(TABLE)


@subscribe(broker, "digest.articles", guard=Unguarded())
async def note(event: Event[Article | ArticleWithdrawn]) -> bool:
    """Store the article's state.
    It is due for the next mail if it was not public here before, except in a replay.

    The first event decides, published or updated: after a failure `article.published`
    may arrive after `article.updated`, and is then dropped as older.
    """
    data = event.data
    article = data if isinstance(data, Article) else None
    published = isinstance(data, ArticlePublished)
    # `change: minor` means not worth a mail, such as an import of old articles.
    quiet = (
        article is None
        or article.change == "republish"
        or (published and article.change == "minor")
    )
    row = {
        "id": data.id,
        "revision": data.revision,
        "title": article and article.title,
        "url": data.url,
        "news": not quiet and not event.replay,
        "published": published,
    }
    return file.execute(PUT, row).rowcount > 0


async def send_digests() -> None:
    """Mail due articles at an interval.
    They are mailed again if the process dies before it has noted them as mailed.
    """
    while True:
        await asyncio.sleep(settings.digest_seconds)
        articles = file.execute(
            "SELECT id, revision, title, url FROM articles WHERE due ORDER BY id"
        ).fetchall()
        if not articles:
            continue
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = "Tin mới", settings.mail_from, settings.mail_to
        mail.set_content("\n\n".join(f"{title}\n{url}" for _, _, title, url in articles))
        try:
            await asyncio.to_thread(deliver, mail)
        except (OSError, smtplib.SMTPException) as error:
            logging.warning("the digest waits for the mail server: %s", error)
        else:
            done = [(article, revision) for article, revision, _, _ in articles]
            file.executemany("UPDATE articles SET due = 0 WHERE id = ? AND revision = ?", done)


def deliver(mail: EmailMessage) -> None:
    """Send the mail, or print it."""
    if not settings.smtp_host:
        print(mail.get_content(), flush=True)
        return
    with smtplib.SMTP(settings.smtp_host, timeout=10) as server:
        server.send_message(mail)


run(settings, broker, send_digests)
