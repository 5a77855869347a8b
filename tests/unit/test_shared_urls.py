"""Malformed addresses are refused before anything connects, with a word of what to do, and never
with the password.
"""

import pytest

from luotdoc_subscriber.base.urls import amqp_url, http_url
from shared.base.urls import mongo_url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mongodb://h:port/db", "the port must be a number up to 65535"),
        ("mongodb://h:99999/db", "the port must be a number up to 65535"),
        ("mongodb://h:0/db", "the port must be a number up to 65535"),
        ("mongodb://h:27017:1/db", "the port must be a number up to 65535"),
        ("mongodb://u:se@cret@h/db", "write @ as %40"),
        ("mongodb://u:se:cret@h/db", "write @ as %40"),
        ("mongodb://u:se/cret@h/db", "write @ as %40"),
        ("mongodb://u:se#cret@h/db", "write @ as %40"),
        ("mongodb://u:se?cret=1@h/db", "write @ as %40"),
        ("mongodb://u:se%zzcret@h/db", "write @ as %40"),
        ("mongodb://u:secret%@h/db", "write @ as %40"),
        ("mongodb://@h/db", "The empty string is not valid username"),
        ("mongodb://[::1/db", "IPv6"),
        ("mongodb:///db", "Empty host"),
        ("mongodb://h,/db", "Empty host"),
        ("mongodb://h", "with the database's name"),
        ("mongodb://h/?replicaSet=x", "with the database's name"),
        ("mongodb://h/a$b", "no name of a database"),
        ("mongodb://h/%00", "no name of a database"),
        ("mongodb://h/d b", "a space or a line break"),
        ("mongodb://h/db\n", "a space or a line break"),
        ("mongodb://h/db?repliaSet=x", "Unknown option: repliaset"),
        ("mongodb://h/db?replicaSet=", "replicaSet is empty"),
        ("mongodb://h/db?replicaSet", "options are key=value pairs"),
        ("mongodb://h/db?w=-1", "w must be a non negative integer"),
        ("mongodb://h/db?tls=maybe", "tls must be 'true' or 'false'"),
        (
            "mongodb://h/db?tls=true&tlsCAFile=/nowhere/ca.pem",
            "No such file or directory: '/nowhere/ca.pem'",
        ),
        ("mongodb://h/db?authMechanism=NONE", "authmechanism must be in"),
        ("mongodb://a,b/db?directConnection=true", "multiple hosts with directConnection=true"),
        ("mongodb+srv://h.example.org:27017/db", "one host and no port"),
        ("mongodb+srv://a.example.org,b.example.org/db", "one host and no port"),
        ("postgres://h/db", "must be mongodb://host"),
        ("h/db", "must be mongodb://host"),
    ],
)
def test_an_address_of_mongodb_that_cannot_work(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^must be mongodb://host.* database's name") as error:
        mongo_url(url)
    text = str(error.value)
    assert told in text
    assert "cret" not in text
    assert "\n" not in text
    assert len(text) < 400


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://h/db",
        "mongodb://h:27017,h2:27018/db?replicaSet=rs",
        "mongodb://[::1]:27017/db",
        "mongodb://u:p%40%3A%2F%25@h/db?authSource=admin&replicaSet=rs&tls=true",
        "mongodb://u:p@h/db?authMechanismProperties=SERVICE_NAME:x@y&authMechanism=GSSAPI&authSource=%24external",
        "mongodb+srv://u:p@cluster.example.org/db?retryWrites=true&w=majority",
    ],
)
def test_an_address_of_mongodb_that_works_is_left_as_it_is(url: str) -> None:
    assert mongo_url(url) == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("amqp://u:secret@h:port/", "the port must be a number"),
        ("amqp://h:70000/", "the port must be a number"),
        ("amqp://h:0/", "the port must not be 0"),
        ("amqp://u:p@h/%zz", "write % as %25"),
        ("amqp://u:p@h/vhost%", "write % as %25"),
        ("amqp://u:secret%@h/", "write % as %25"),
        ("amqp://u:se/cret@h/", "write @ as %40"),
        ("amqp://u:se#cret@h/", "write @ as %40"),
        ("amqp://u:se?cret@h/", "write @ as %40"),
        ("amqp://[::1/", "the port must be a number"),
        ("amqp://h/\n", "a space or a line break"),
        ("amqp:///", "must be amqp://"),
        ("h:5672", "must be amqp://"),
    ],
)
def test_an_address_of_rabbitmq_that_cannot_work(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^must be amqp://user:password@host") as error:
        amqp_url(url)
    assert told in str(error.value)
    assert "cret" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["amqp://h", "amqp://u:p@h:5672/", "amqps://u:p%40@h/%2F", "amqp://[::1]:5672/a%20b"]
)
def test_an_address_of_rabbitmq_that_works_is_left_as_it_is(url: str) -> None:
    assert amqp_url(url) == url


@pytest.mark.parametrize(
    "url", ["http://h:port", "http://", "http:///x", "https://h/\n", "http://[::1"]
)
def test_an_address_of_a_page_that_cannot_work(url: str) -> None:
    with pytest.raises(ValueError, match="must be an absolute http"):
        http_url(url)
