"""Pictures of other hosts: those that the settings name are shown, others become links."""

import pytest
from pydantic import ValidationError

from services.render.rendering.pictures import Pictures
from services.render.settings import RenderSettings

PICTURES = Pictures("https://tin.vn", ("cdn.example.vn", "*.anh.vn", "other.vn:8443"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/media/a.jpg", True),
        ("https://tin.vn/a.jpg", True),
        ("https://tin.vn:443/a.jpg", True),
        ("http://tin.vn:80/a.jpg", True),
        ("http://tin.vn:443/a.jpg", False),
        ("https://CDN.example.vn/a.jpg", True),
        ("http://a.b.anh.vn/a.jpg", True),
        ("https://other.vn:8443/a.jpg", True),
        ("https://other.vn/a.jpg", False),
        ("https://xdn.example.vn/a.jpg", False),
        ("https://a.cdn.example.vn/a.jpg", False),
        ("https://anh.vn/a.jpg", False),
        ("https://evilanh.vn/a.jpg", False),
        ("https://cdn.example.vn.evil.vn/a.jpg", False),
        ("https://cdn.example.vn@evil.vn/a.jpg", False),
        ("https://tin.vn:8443/a.jpg", False),
        ("https://[::1/a.jpg", False),
    ],
)
def test_a_host_is_named_or_its_pictures_are_not_shown(url: str, shown: bool) -> None:
    assert PICTURES.shown(url) == shown


def test_the_policy_names_the_same_hosts() -> None:
    assert PICTURES.sources == "tin.vn cdn.example.vn *.anh.vn other.vn:8443"
    assert Pictures("/", ()).sources == ""


def test_what_is_not_shown_is_a_link_that_says_what_it_is() -> None:
    here = '<p><img src="/media/a.jpg" alt="Cầu">'
    there = '<img alt="Chợ &lt;đêm&gt; &amp; sông" src="https://x.vn/a.jpg?b=1&amp;c=2"></p>'
    assert PICTURES.linked(here + there) == (
        here + '<a href="https://x.vn/a.jpg?b=1&amp;c=2" rel="noopener noreferrer nofollow">'
        "Xem ảnh: Chợ &lt;đêm&gt; &amp; sông</a></p>"
    )
    assert PICTURES.linked('<img src="https://x.vn/a.jpg">') == (
        '<a href="https://x.vn/a.jpg" rel="noopener noreferrer nofollow">Xem ảnh tại x.vn</a>'
    )
    assert PICTURES.linked('<img src="https://[::1/a.jpg" alt=" ">') == (
        '<a href="https://[::1/a.jpg" rel="noopener noreferrer nofollow">Xem ảnh tại ?</a>'
    )
    assert {"x.vn", "?"} <= PICTURES.refused


def test_a_picture_in_a_link_leaves_its_words_there() -> None:
    body = (
        '<a href="https://y.vn/"><img src="https://x.vn/a.jpg" alt="Hội"></a><img '
        'src="https://x.vn/b.jpg" alt="Đèn">'
    )
    assert PICTURES.linked(body) == (
        '<a href="https://y.vn/">Xem ảnh: Hội</a>'
        '<a href="https://x.vn/b.jpg" rel="noopener noreferrer nofollow">Xem ảnh: Đèn</a>'
    )


@pytest.mark.parametrize(
    "hosts", ["https://cdn.vn", "*", "a b", "cdn.vn/;", "cdn.vn;script-src", "*.*.vn", "'self'"]
)
def test_a_host_that_is_none_is_refused_at_the_start(hosts: str) -> None:
    with pytest.raises(ValidationError, match="must be a host"):
        RenderSettings(amqp_url="amqp://h", mongo_url="mongodb://h/d", picture_hosts=hosts)  # type: ignore[arg-type]
