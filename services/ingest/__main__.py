"""`python -m services.ingest`: run the service, or one of the operators' commands."""

import sys

if __name__ == "__main__":
    # Imported here: the processes that clean bodies import this file too,
    # and must not load the whole service.
    from services.ingest.command import run

    run(sys.argv[1:])
