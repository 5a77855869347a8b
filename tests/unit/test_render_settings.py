"""The face of the site, as an operator describes it."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.render.settings import RenderSettings


def settings(**given: Any) -> RenderSettings:
    return RenderSettings(
        amqp_url="amqp://127.0.0.1/", mongo_url="mongodb://127.0.0.1/luotdoc", **given
    )


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as error:
        settings(**given)
    (fault,) = error.value.errors()
    assert fault["loc"] == tuple(given)
    return fault["msg"]


def test_sections_and_links_are_pairs_in_their_order() -> None:
    one = settings(
        sections=" kinh-te = Kinh tế , xa-hoi=Xã hội,", links="Cổng=https://e.vn/?a=b,B=http://b.vn"
    )
    assert one.sections == (("kinh-te", "Kinh tế"), ("xa-hoi", "Xã hội"))
    assert one.links == (("Cổng", "https://e.vn/?a=b"), ("B", "http://b.vn"))
    assert settings(sections="").sections == ()


@pytest.mark.parametrize("sections", ["kinh-te", "=Kinh tế", "kinh-te=", "a=A,b"])
def test_what_is_no_pair_is_refused(sections: str) -> None:
    assert refused(sections=sections) == "Value error, must be key=value, separated by commas"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//e.vn", "e.vn"])
def test_a_link_leads_to_an_address(url: str) -> None:
    assert (
        refused(links=f"Cổng={url}")
        == "Value error, the link Cổng must be an absolute http:// or https:// address"
    )


@pytest.mark.parametrize(
    "url", ["/reads", "/a/b", "https://doc.e.vn/reads", "http://127.0.0.1:8001/reads"]
)
def test_addresses_of_the_beacon(url: str) -> None:
    assert settings(reads_url=url).reads_url == url


@pytest.mark.parametrize(
    "url", ["", "reads", "ftp://e.vn", "https://e.vn/; script-src *", "/a'b", "/a b", '/"', "/a\n"]
)
def test_an_address_of_the_beacon_that_could_break_the_policy_is_refused(url: str) -> None:
    assert refused(reads_url=url)
