"""`python -m services.stats.document`: print the OpenAPI document of stats, as `/openapi.json`
answers it.
"""

import sys

from luotdoc_subscriber.base.command import Command
from services.stats.api import describe_api
from shared.web.openapi import as_committed

if __name__ == "__main__":
    Command(prog="python -m services.stats.document", description=__doc__).parse_args()
    sys.stdout.buffer.write(as_committed(describe_api().openapi()))
