"""Whose address it is, however proxies write it."""

import json
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from services.ingest.reads.visitors import visitor
from shared.web.addresses import Addresses, unmapped
from shared.web.headers import RawHeaders

TRUSTED = Addresses([ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("192.0.2.8/32")])
CASES = json.loads((Path(__file__).parents[1] / "cases/forwarded.json").read_text())


def headers(name: str, *lines: str) -> RawHeaders:
    return [
        (b"host", b"www.example.org"),
        *((name.encode(), line.encode("latin-1")) for line in lines),
    ]


@pytest.mark.parametrize(
    ("peer", "lines", "address"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (
            "10.0.0.1",
            ["198.51.100.9, 203.0.113.7"],
            "203.0.113.7",
        ),  # what a client wrote in front is its own affair
        ("10.0.0.1", ["10.9.9.9, 203.0.113.7 ,10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["2001:db8::5, fd00::1"], "2001:db8::5"),
        ("fd00::2", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),  # a socket for both families
        ("192.0.2.8", ["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [" , ,"], "10.0.0.1"),
        (
            "192.0.2.1",
            ["203.0.113.7"],
            "192.0.2.1",
        ),  # a peer that nobody trusts may say what it likes
        ("", ["203.0.113.7"], ""),
        # Several lines are one list.
        ("10.0.0.1", ["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.9", "203.0.113.7", "10.0.0.3, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7", ""], "203.0.113.7"),
        # Empty elements are none.
        ("10.0.0.1", ["203.0.113.7,"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, , 10.0.0.2,,"], "203.0.113.7"),
        # Ports, brackets, quotes, zones.
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::5]:443"], "2001:db8::5"),
        ("10.0.0.1", ["[2001:DB8::5], 10.0.0.2:80"], "2001:db8::5"),
        ("10.0.0.1", ["2001:db8:1:2:3:4:5:6:443"], "2001:db8:1:2:3:4:5:6"),
        ("10.0.0.1", ['"[2001:db8::5]:443"'], "2001:db8::5"),
        ("10.0.0.1", ["fe80::1%eth0"], "fe80::1"),
        ("10.0.0.1", ["[fe80::1%25en0]:80"], "fe80::1"),
        ("10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7:"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::5]:"], "2001:db8::5"),
        ("10.0.0.1", ["[203.0.113.7]:80"], "203.0.113.7"),
        ("10.0.0.1", ['" 203.0.113.7 "'], "203.0.113.7"),
        ("10.0.0.1", ["203.000.113.007"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.007:80, 010.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["::ffff:203.0.113.7:443"], "203.0.113.7"),
        ("10.0.0.1", ["2001:db8::"], "2001:db8::"),
        ("10.0.0.1", ["198.51.100.9\t,\t203.0.113.7\t,\t10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["[::ffff:cb00:7107]:5000"], "203.0.113.7"),
        # Whatever is no address: the proxy that wrote it did not know.
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["203.0.113.7, _hidden"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7:http"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.777"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7\0"], "10.0.0.1"),
        ("10.0.0.1", ["[]", "\xff\xfe"], "10.0.0.1"),
        ("10.0.0.1", ["[[2001:db8::5]]"], "10.0.0.1"),
        *(
            ("10.0.0.1", [text], "10.0.0.1")
            for text in (
                *(
                    "0xcb007107",
                    "3405803783",
                    "203.0.113",
                    "203.0.113.256",
                    "0203.0.113.7",
                    "203.0.113.7/32",
                    "a:b",
                ),
                *(
                    "2001:db8::5::6",
                    "2001:db8::g",
                    "20010db8::5",
                    "[2001:db8::5",
                    "²03.0.113.7",
                    "203.0.113.7 x",
                ),
            )
        ),
        # However much a client writes in front, what the proxies have added is found.
        ("10.0.0.1", ["x" * 30_000 + ", 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.9," * 2_000 + "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["1" * 5_000], "10.0.0.1"),
    ],
)
def test_x_forwarded_for(peer: str, lines: list[str], address: str) -> None:
    assert TRUSTED.of(peer, headers("x-forwarded-for", *lines)) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["for=203.0.113.7"], "203.0.113.7"),
        (['For="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17"),
        (['for="203.0.113.7:80";proto=https;by=10.0.0.1;host="a,b;c"'], "203.0.113.7"),
        (["proto=http; for=203.0.113.7 , for=10.0.0.2"], "203.0.113.7"),
        (["for=198.51.100.9, for=203.0.113.7", "for=10.0.0.2"], "203.0.113.7"),
        ([",for=203.0.113.7,,"], "203.0.113.7"),
        ([r'for="203.0.113\.7"'], "203.0.113.7"),
        (["for=198.51.100.9;by=10.0.0.3, proto=https"], "10.0.0.1"),
        (["for=198.51.100.9, for=unknown"], "10.0.0.1"),
        (["for=198.51.100.9, for=_hidden"], "_hidden"),
        (['for="_SEVKISEK:_80"'], "_SEVKISEK"),
        (["for=_a, for=10.0.0.2"], "_a"),
        # A client's malformed elements hide nothing of what the proxies have added.
        (['for="198.51.100.9, for=203.0.113.7'], "203.0.113.7"),
        (['for="', "for=203.0.113.7"], "203.0.113.7"),
        (['for="x, for="[2001:db8::5]:80"'], "2001:db8::5"),
        (['for=", for=203.0.113.7;host="a, for=198.51.100.9"'], "203.0.113.7"),
        (['for="a\\", for=203.0.113.7;host="a, for=198.51.100.9", for=10.0.0.2'], "203.0.113.7"),
        (["====, for=203.0.113.7"], "203.0.113.7"),
        (['"' * 20_000 + ",for=203.0.113.7"], "203.0.113.7"),
        (['for="203.0.113.7:_80"'], "203.0.113.7"),
        (['for="[2001:db8::5]:_port.1"'], "2001:db8::5"),
        (["FOR=203.0.113.7;Proto=HTTPS"], "203.0.113.7"),
        (['for="unknown"'], "10.0.0.1"),
        (["for=203.0.113.7, for=_" + "x" * 65], "10.0.0.1"),
        (["for="], "10.0.0.1"),
        (['for="203.0.113.7'], "10.0.0.1"),
        (["203.0.113.7"], "10.0.0.1"),
        (["for=203.0.113.7 for=198.51.100.9"], "10.0.0.1"),
        (["for=203.0.113.7;"], "203.0.113.7"),
        (["for=203.0.113.7;====, for=10.0.0.2;proto=http"], "10.0.0.2"),
        ([";;;"], "10.0.0.1"),
        ([""], "10.0.0.1"),
    ],
)
def test_forwarded(lines: list[str], address: str) -> None:
    assert TRUSTED.of("10.0.0.1", headers("forwarded", *lines)) == address


def test_of_both_headers_x_forwarded_for_wins() -> None:
    both = [*headers("forwarded", "for=198.51.100.9"), *headers("x-forwarded-for", "203.0.113.7")]
    assert TRUSTED.of("10.0.0.1", both) == "203.0.113.7"
    assert TRUSTED.of("10.0.0.1", both[:-1] + headers("x-forwarded-for", " ")) == "198.51.100.9"
    for text in ("203.0.113.7, 10.0.0.2", "for, 203.0.113.7"):
        assert TRUSTED.of("10.0.0.1", both[:-1] + headers("x-forwarded-for", text)) == "203.0.113.7"
    # A proxy that did not know its client has passed on what that has sent.
    assert (
        TRUSTED.of("10.0.0.1", both[:-1] + headers("x-forwarded-for", "unknown, 10.0.0.2"))
        == "10.0.0.2"
    )


def test_an_outer_proxy_may_write_the_other_header() -> None:
    inner = headers("x-forwarded-for", "10.0.0.3, 10.0.0.2")
    for client in ("198.51.100.9", "198.51.100.10"):
        outer = headers("forwarded", f"for=192.0.2.77, for={client}", "for=10.0.0.4")
        assert TRUSTED.of("10.0.0.1", inner + outer) == client
    assert TRUSTED.of("10.0.0.1", inner) == "10.0.0.3"
    assert TRUSTED.of("10.0.0.1", inner + headers("forwarded", "for=unknown")) == "10.0.0.3"


def test_without_trusted_proxies_the_peer_is_the_reader() -> None:
    alone = Addresses([])
    assert alone.of("10.0.0.1", headers("x-forwarded-for", "203.0.113.7")) == "10.0.0.1"
    assert alone.of("testclient", headers("forwarded", "for=203.0.113.7")) == "testclient"


def test_readers_are_told_apart_by_address_or_by_64_bits_of_it() -> None:
    def reader(*lines: str, name: str = "x-forwarded-for") -> bytes:
        return TRUSTED.reader("10.0.0.1", headers(name, *lines))

    phone = reader("2001:ee0:4f12:10::a1")
    assert phone == reader("2001:ee0:4f12:10:8c1f:3:2:1") == reader("[2001:ee0:4f12:10:ffff::]:443")
    others = {
        reader("2001:ee0:4f12:11::a1"),
        reader("203.0.113.7"),
        reader("203.0.113.8"),
        reader("::ffff:203.0.113.9"),
        reader("for=_abc", name="forwarded"),  # not 95.97.98.99, though it has as many bytes
        reader("95.97.98.99"),
        reader("for=_abcdefg", name="forwarded"),
        reader("5f61:6263:6465:6667::1"),
    }
    assert len(others | {phone}) == 9
    # An IPv4 address that begins as those of a tunnel do is no tunnel's.
    assert reader("32.1.0.0") == bytes([32, 1, 0, 0])
    assert reader("32.2.0.7") == bytes([32, 2, 0, 7])


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:192.0.2.8/128", "192.0.2.8/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::fffe:0:0/95", "::fffe:0:0/95"),
        ("fd00::/8", "fd00::/8"),
        ("10.0.0.0/8", "10.0.0.0/8"),
    ],
)
def test_a_network_of_mapped_addresses_is_one_of_ipv4(network: str, wanted: str) -> None:
    assert unmapped(ip_network(network)) == ip_network(wanted)


@pytest.mark.parametrize(
    "form",
    [
        *("::ffff:{}", "64:ff9b::{}", "[64:FF9B::{}]:443", "64:ff9b:1::{}", "::ffff:0:{}", "::{}"),
        "2001:0:c000:221:0:f227:{}",
    ],
)
def test_an_ipv4_reader_inside_an_ipv6_address_is_one_reader(form: str) -> None:
    def reader(line: str) -> bytes:
        return TRUSTED.reader("10.0.0.1", headers("x-forwarded-for", line))

    first, second = ("203.0.113.7", "203.0.113.8")
    written = (
        ("52.255.142.248", "52.255.142.247") if form.startswith("2001:") else (first, second)
    )  # inverted
    assert [reader(form.format(address)) for address in written] == [reader(first), reader(second)]


def test_a_6to4_reader_is_one_with_the_ipv4_address_inside() -> None:
    def reader(line: str) -> bytes:
        return TRUSTED.reader("10.0.0.1", headers("x-forwarded-for", line))

    assert reader("2002:cb00:7107::1") == reader("2002:cb00:7107:5::2") == reader("203.0.113.7")
    assert reader("2002:cb00:7108::1") == reader("203.0.113.8")


def test_an_address_with_a_trusted_one_inside_is_not_trusted() -> None:
    lines = headers("x-forwarded-for", "203.0.113.7, 64:ff9b::10.0.0.2")
    assert TRUSTED.of("10.0.0.1", lines) == "64:ff9b::a00:2"


@pytest.mark.parametrize("case", CASES["cases"], ids=[case["name"] for case in CASES["cases"]])
def test_cases(case: dict[str, Any]) -> None:
    addresses, seen, outcomes = (
        Addresses([ip_network(network) for network in CASES["trusted"]]),
        set(),
        [],
    )
    for lines in case["lines"]:
        who = visitor(
            b"salt",
            addresses.reader(CASES["peer"], headers("x-forwarded-for", *lines)),
            b"one browser",
        )
        outcomes.append("reload" if who in seen else "counted")
        seen.add(who)
    print(f"{outcomes == case['want']!s:5}  {case['name']}: {', '.join(outcomes)}")
    assert outcomes == case["want"]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed as addresses."""
    texts: list[str] = []

    def parse(family: int, text: str) -> bytes:
        texts.append(text)
        return socket.inet_pton(family, text)

    monkeypatch.setattr("shared.web.addresses.inet_pton", parse)
    return texts


def test_the_last_kibibyte_of_a_header_is_parsed() -> None:
    line = "203.0.113.7".ljust(24) + ", 10.0.0.2" * 100
    assert len(line) == 1024
    assert TRUSTED.of("10.0.0.1", headers("x-forwarded-for", line)) == "203.0.113.7"
    assert TRUSTED.of("10.0.0.1", headers("x-forwarded-for", f" {line}")) == "10.0.0.2"


def test_the_newest_4096_readers_are_remembered(parsed: list[str]) -> None:
    addresses = Addresses([ip_network("10.0.0.0/8")])
    readers = [f"203.0.{number // 256}.{number % 256}" for number in range(4097)]
    for reader in (*readers[:-1], readers[0], readers[-1]):
        assert addresses.of("10.0.0.1", headers("x-forwarded-for", reader)) == reader
    assert parsed.count(readers[0]) == 1
    for reader in (readers[0], readers[1]):
        addresses.of("10.0.0.1", headers("x-forwarded-for", reader))
    assert (parsed.count(readers[0]), parsed.count(readers[1])) == (1, 2)


def test_long_headers_are_not_remembered_whole(parsed: list[str]) -> None:
    addresses = Addresses([ip_network("10.0.0.0/8")])
    for name in ("x-forwarded-for", "forwarded"):
        for number in range(100):
            end = "203.0.113.7" if name == "x-forwarded-for" else "for=203.0.113.7"
            line = f"{number}" * 1000 + "," + "x" * 1000 + "," + end
            assert addresses.of("10.0.0.1", headers(name, line)) == "203.0.113.7"
    assert parsed.count("203.0.113.7") == 2  # once for each header
