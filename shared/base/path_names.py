"""The first segments of all services' paths. Behind one gateway a section with such a name would
hide a path, or be hidden. Pure.
"""

_EVERY_SERVICE = frozenset({"livez", "metrics", "readyz"})

PATH_NAMES: dict[str, frozenset[str]] = {
    "ingest": _EVERY_SERVICE
    | {"articles", "docs", "events", "media", "openapi", "reads", "redoc", "schemas"},
    "render": _EVERY_SERVICE
    | {"chu-de", "doc-nhieu", "goi-y", "luu", "luu-tru", "media", "search", "state", "static"}
    | {"tim-kiem", "tu-khoa"},
    "stats": _EVERY_SERVICE | {"docs", "openapi", "redoc", "state", "stats"},
    "counter": _EVERY_SERVICE,
    "later": frozenset({"admin", "api", "feed", "health", "healthz", "robots", "sitemap"}),
}
"""By service; `later` has names that are kept free."""

RESERVED_SECTIONS = frozenset[str]().union(*PATH_NAMES.values())
"""Names that no section of the site can have."""
