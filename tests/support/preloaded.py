"""What the process that is forked imports last. Its objects are left out of collections: one would
take half a second in each child, for it writes to every page that both share.
"""

import gc

import babel
import httpcore  # noqa: F401 - imported late by httpx
import uvicorn.loops.auto  # noqa: F401 - imported late by uvicorn

for _language in ("vi", "en"):
    assert babel.Locale(_language).number_symbols  # read from a file at the first use
gc.collect()
gc.freeze()
