"""Which origins a setting may name."""

import pytest

from shared.base.urls import origin_of
from tests.support.settings import ingest_settings


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


@pytest.mark.parametrize(
    "url",
    [
        "www.example.org",
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x:port",
        "https://*.x.vn",
        "https://x y.vn",
        "https://x:99999",
        "https://x..vn",
    ],
)
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin_of(url)


def test_networks_of_mapped_addresses_are_those_of_ipv4() -> None:
    given = ingest_settings(trusted_proxies="::ffff:10.0.0.0/104, 192.0.2.7, 2001:db8::/32")
    networks = [str(network) for network in given.trusted_proxies]
    assert networks == ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]


def test_several_any_and_none() -> None:
    two = ingest_settings(read_origins="https://a.example, http://b.example:81/,")
    assert two.read_origins == ("https://a.example", "http://b.example:81")
    assert ingest_settings(read_origins="*, null").read_origins == ("*", "null")
    assert ingest_settings().read_origins == ()
