"""Which origins a setting may name."""

import pytest

from services.ingest.settings import _origins, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://www.example.org/", "https://www.example.org"),
        ("HTTPS://WWW.Example.org:443/a?b", "https://www.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[2001:db8::5]:8000/", "http://[2001:db8::5]:8000"),
        ("https://báo.example/", "https://xn--bo-mia.example"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["www.example.org", "ftp://x", "https://", "https://u:p@x", "https://x:port"])
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin_of(url)


def test_several_any_and_none() -> None:
    assert _origins("https://a.example, http://b.example:81/,") == ("https://a.example", "http://b.example:81")
    assert _origins("*, null") == ("*", "null")
