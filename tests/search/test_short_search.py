"""The measurement of search in a short form: every answer is right. How long it takes is not judged
here, where other tests run beside it.
"""

from psutil import Process

from deploy.local.database import Database
from tests.integration.conftest import Emptied
from tests.integration.conftest import emptied as emptied
from tests.search.corpus import made_articles, questions
from tests.search.filling import fill
from tests.search.measuring import ask, ask_for_names, put_more

ARTICLES = 600


async def test_made_articles_are_found_by_what_is_in_them(
    emptied: Emptied, database: Database
) -> None:
    server = Process(database.pid)
    assert await fill(emptied.db, ARTICLES, 60, texts_too=False) == ARTICLES
    for times in (
        await ask(emptied.db, server, 60),
        await ask_for_names(emptied.db, server, 40, ARTICLES),
        await put_more(emptied.db, server, ARTICLES, 20),
    ):
        assert times.wrong == []
        print(f"\n{len(times.seconds)}: {times.line()}")


def test_the_same_articles_are_made_for_every_run() -> None:
    one, other = list(made_articles(7, 2)), list(made_articles(8, 1))
    assert one[1] == other[0]
    assert questions(20) == questions(20)
    assert len(set(questions(20))) == 20
