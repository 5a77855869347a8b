"""Bounds that every version of a batch shares. Pure."""

import re

LATEST_MS = 32_503_680_000_000
"""Upper bound for timestamps (year 3000). Anything later is corrupt input."""
MAX_FILTERED = 1 << 40
"""Upper bound for filtered reads in a batch. An ingest that can't send reaches it after eight
months of a flood of 50,000 reads a second."""
WIRE_ARTICLE = re.compile(r"[a-z0-9]{1,32}")
CLASS = re.compile(r"[a-z_]{1,32}")
