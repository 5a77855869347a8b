"""Security headers, made once. The server adds `defaults` to every answer; the rest depends on what is answered.

`STRICT` is for what no browser shows as a page: it may load nothing, and other sites may not read it. `OPEN` is for
what other sites may embed: pictures, the beacon's answers, public statistics.
"""

RawHeaders = list[tuple[bytes, bytes]]

_NOTHING = b"default-src 'none'; frame-ancestors 'none'"
_POLICY, _RESOURCE = b"content-security-policy", b"cross-origin-resource-policy"
_FEATURES = "camera display-capture geolocation microphone midi payment serial usb"

STRICT: RawHeaders = [(_POLICY, _NOTHING), (_RESOURCE, b"same-origin")]
OPEN: RawHeaders = [(_POLICY, _NOTHING), (_RESOURCE, b"cross-origin")]


def defaults(hsts: int) -> list[tuple[str, str]]:
    """The headers of every answer. `hsts`: seconds for which browsers use HTTPS alone; 0 leaves that out."""
    found = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", ", ".join(f"{name}=()" for name in _FEATURES.split())),
    ]
    return [*found, ("strict-transport-security", f"max-age={hsts}")] if hsts else found


def page(policy: str) -> RawHeaders:
    """The headers of an HTML page with this content security policy."""
    return [(_POLICY, policy.encode()), (_RESOURCE, b"same-origin"), (b"cross-origin-opener-policy", b"same-origin")]


def missing(headers: RawHeaders, policy: RawHeaders) -> RawHeaders:
    """What of `policy` is not in `headers`. A page of an API brings a content security policy of its own."""
    names = {name.lower() for name, _ in headers}
    return [(name, value) for name, value in policy if name not in names]


def lines(headers: RawHeaders) -> bytes:
    """Headers as lines, each ended."""
    return b"".join(b"%b: %b\r\n" % each for each in headers)
