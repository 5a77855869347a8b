"""Security headers, built once.
The server adds `defaults` to every answer; the others depend on the answer.

`STRICT` is for answers that are not pages: they may load nothing, and other sites may not read
them. `OPEN` is for answers that other sites may embed: pictures, the beacon's answers, public
statistics.
"""

RawHeaders = list[tuple[bytes, bytes]]

_NOTHING = b"default-src 'none'; frame-ancestors 'none'"
_POLICY, _RESOURCE = b"content-security-policy", b"cross-origin-resource-policy"
_FEATURES = "camera display-capture geolocation microphone midi payment serial usb"

STRICT: RawHeaders = [(_POLICY, _NOTHING), (_RESOURCE, b"same-origin")]
OPEN: RawHeaders = [(_POLICY, _NOTHING), (_RESOURCE, b"cross-origin")]


def defaults(hsts: int) -> list[tuple[str, str]]:
    """The headers of every answer. `hsts`: seconds of Strict-Transport-Security; 0 leaves it
    out.
    """
    found = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", ", ".join(f"{name}=()" for name in _FEATURES.split())),
    ]
    return [*found, ("strict-transport-security", f"max-age={hsts}")] if hsts else found


def page_policy(policy: str) -> RawHeaders:
    """The headers of an HTML page whose content security policy is `policy`."""
    return [
        (_POLICY, policy.encode()),
        (_RESOURCE, b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]


def missing(headers: RawHeaders, policy: RawHeaders) -> RawHeaders:
    """The headers of `policy` that `headers` lacks.
    An API's page has a content security policy of its own.
    """
    names = {name.lower() for name, _ in headers}
    return [(name, value) for name, value in policy if name not in names]


def header_lines(headers: RawHeaders) -> bytes:
    """Headers as lines with line ends."""
    return b"".join(b"%b: %b\r\n" % each for each in headers)
