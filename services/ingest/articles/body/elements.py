"""The elements of HTML, by their treatment in an article's body."""

CONTAINERS = frozenset(
    (
        "blockquote caption col colgroup dd dl dt figcaption figure li ol table tbody td tfoot "
        "th thead tr ul"
    ).split()
)
"""Blocks that hold other blocks, kept with their structure."""
TABLE_PARTS = frozenset("caption col colgroup tbody td tfoot th thead tr".split())
LISTS = frozenset({"ol", "ul"})
PARENTS = {
    "li": LISTS, "dt": frozenset({"dl"}), "dd": frozenset({"dl"}),
    "figcaption": frozenset({"figure"}),
}  # fmt: skip
"""Containers that make sense only inside these. Elsewhere they are ordinary blocks."""
RENAMED = {"dir": "ul", "menu": "ul", "h1": "h2", "listing": "pre", "xmp": "pre",
           "plaintext": "pre",
           "strike": "s", "acronym": "abbr", "tt": "code", "amp-img": "img",
           "amp-anim": "img"}  # fmt: skip
LEAVES = frozenset("p pre h2 h3 h4 h5 h6".split())
"""Blocks that hold a run of text and no other block."""
HEADINGS = frozenset("h2 h3 h4 h5 h6".split())
BLOCKS = frozenset(
    "address article aside body center dd details dialog div dt fieldset figcaption footer form "
    "frameset header hgroup html legend li main marquee nav noframes optgroup option search "
    "section summary".split()
)
"""Blocks that are not kept; the text of each becomes paragraphs of its own."""
INLINE = frozenset(
    (
        "a abbr b bdi bdo cite code del dfn em i ins kbd mark q s samp small strong sub sup "
        "time u var"
    ).split()
)
NESTED = frozenset({"q", "sub", "sup"})
"""Inline elements that have a meaning inside another of the same name."""
DROPPED = frozenset(
    "applet base canvas datalist head input keygen link math meta noembed script select style svg "
    "template textarea title xml".split()
)
"""Elements that are left out with their content."""
INVISIBLE = frozenset("base head link meta style title xml".split())
"""Elements of `DROPPED` that a browser does not show. They are left out without a warning."""
SEPARATORS = frozenset(
    (
        "button canvas input math meter object progress select svg textarea video audio iframe "
        "embed"
    ).split()
)
"""Visible elements. If one is left out, a space must stay between the words around it."""
PARTS = frozenset("param source track wbr".split())
"""Elements that have a meaning only inside another, such as `<source>` in `<video>`."""
EMBEDS = frozenset("audio embed iframe object oembed video".split())
WITHOUT_TEXT = EMBEDS | {"area", "br", "hr", "img", "noscript"}
"""Elements that are written for what they show or link to. Their content is no text of the
article."""

ATTRIBUTES: dict[str, frozenset[str]] = {
    "a": frozenset({"href", "title", "hreflang"}),
    "abbr": frozenset({"title"}),
    "blockquote": frozenset({"cite"}),
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "del": frozenset({"cite", "datetime"}),
    "dfn": frozenset({"title"}),
    "ins": frozenset({"cite", "datetime"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"start", "reversed", "type"}),
    "q": frozenset({"cite"}),
    "td": frozenset({"colspan", "rowspan", "headers"}),
    "th": frozenset({"colspan", "rowspan", "headers", "scope"}),
    "time": frozenset({"datetime"}),
}
"""Attributes that are kept besides `lang`, `dir`, `id` and the classes for alignment."""


def settings_of_office(tag: str) -> bool:
    """Whether an element with a colon in its name holds settings of Word or Excel, and no text."""
    prefix, colon, name = tag.partition(":")
    if not colon:
        return False
    if prefix == "o":
        return name != "p"
    if prefix == "w":
        return name not in {"sdt", "ins", "del", "wrap"}
    if prefix == "m":
        return name.endswith("pr")
    if prefix == "v":  # drawings of Word; boxes hold text
        return name not in {"group", "shape", "rect", "roundrect", "oval", "textbox"}
    return prefix in {"x", "p"}
