"""What a file is that is taken for no picture, and what the editor can do. Pure."""

import re

WANTED = "must be a JPEG, PNG, GIF, WebP or AVIF picture"
_EXPORT = "save it as JPEG, PNG or WebP first"
_DAMAGED = "its beginning is that of {}, but the rest is damaged or cut off: export it again"
_KINDS: tuple[tuple[str, str], ...] = (
    (r"\xff\xd8\xff", _DAMAGED.format("a JPEG")),
    (r"\x89PNG\r\n\x1a\n", _DAMAGED.format("a PNG")),
    (r"GIF8[79]a", _DAMAGED.format("a GIF")),
    (r"RIFF.{4}WEBP", _DAMAGED.format("a WebP")),
    (r".{4}ftypavi[fs]", _DAMAGED.format("an AVIF")),
    (
        r".{4}ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)",
        f"this is a HEIC photograph, which few browsers show: {_EXPORT}",
    ),
    (r".{4}ftyp", "this is a film: publish it elsewhere and embed its address in the article"),
    (r"BM.{12}[\x0c(4-8@l|\x7f-\xff]\x00", f"this is a BMP: {_EXPORT}"),
    (
        r"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+",
        f"this is a TIFF or a camera's raw photograph: {_EXPORT}",
    ),
    (r"8BPS", f"this is a Photoshop document: {_EXPORT}"),
    (r"\x00\x00\x01\x00", f"this is an icon of Windows: {_EXPORT}"),
    (r"\xff\x0a|.{4}JXL ", f"this is a JPEG XL, which few browsers show: {_EXPORT}"),
    (r".{4}jP  |\xff\x4f\xff\x51", f"this is a JPEG 2000: {_EXPORT}"),
    (r"\xd7\xcd\xc6\x9a|\x01\x00\x00\x00.{36} EMF", f"this is a drawing of Windows: {_EXPORT}"),
    (r"%PDF|%!PS|\xc5\xd0\xd3\xc6", f"this is a PDF or PostScript document: {_EXPORT}"),
    (r"PK\x03\x04", "this is an archive or an Office document: send each picture of it alone"),
    (
        r"-{2,}[^\r\n]{1,100}\r\nContent-",
        "this is a form: send the picture itself as the body of the request",
    ),
    (r"data:|iVBORw0KGgo|/9j/|R0lGOD|UklGR", "this is base64 text: send the picture's own bytes"),
)
_MAGIC = tuple((re.compile(pattern.encode("latin-1"), re.DOTALL), what) for pattern, what in _KINDS)
_SVG = re.compile(rb"<svg[\s/>]", re.IGNORECASE)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-z]", re.IGNORECASE)


def what_is_wrong(data: bytes) -> str:
    """The words of the refusal for `data`, that no decoder took."""
    if not data:
        return f"{WANTED}; the body is empty"
    for magic, what in _MAGIC:
        if magic.match(data):
            return f"{WANTED}; {what}"
    if data.startswith(b"\x1f\x8b") or _MARKUP.match(data):
        if data.startswith(b"\x1f\x8b") or _SVG.search(data[:4096]):
            return f"{WANTED}; an SVG drawing can hold scripts, and is not taken: {_EXPORT}"
        return (
            f"{WANTED}; this is a page or another text with tags, perhaps the answer to a failed "
            "download"
        )
    return WANTED
