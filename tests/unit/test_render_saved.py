"""The address of an article's copy to keep."""

from dataclasses import replace

import pytest

from services.render.page import Page
from tests.unit.test_render_answers import Site
from tests.unit.test_render_pages import NOON, article


def page(name: str) -> Page:
    return Page(name, 1, "published", "t", path=f"/kinh-te/{name}.html", published_at=NOON)


@pytest.fixture
def saving() -> Site:
    """A site with one article, whose counts are loaded."""
    return Site()


async def test_a_copy_is_a_download_that_is_no_page(saving: Site) -> None:
    one = article(id="a").model_dump()
    await saving.store.put(replace(page("a"), article=one))
    answer = await saving.ask("/luu/a.html")
    assert answer.status == 200
    assert answer.headers[b"content-disposition"].startswith(b'attachment; filename="')
    assert answer.headers[b"x-robots-tag"] == b"noindex"
    assert b"script-src" not in answer.headers[b"content-security-policy"]
    assert "Thông xe cầu Vĩnh Ngàn" in answer.body.decode()
    tag = answer.headers[b"etag"].decode()
    assert (await saving.ask("/luu/a.html", if_none_match=tag)).status == 304


@pytest.mark.parametrize(("state", "status"), [("withdrawn", 410), ("rescheduled", 404)])
async def test_an_article_that_is_not_public_has_no_copy(
    saving: Site, state: str, status: int
) -> None:
    hidden = {"withdrawn": replace(page("a"), state="withdrawn"),
              "rescheduled": replace(page("a"), state="rescheduled")}  # fmt: skip
    await saving.store.put(hidden[state])
    assert (await saving.ask("/luu/a.html")).status == status
    assert (await saving.ask("/luu/none.html")).status == 404
