"""`python -m services.ingest`: run it, or do what an operator asks."""

import sys

if __name__ == "__main__":
    # Imported here: the processes that clean bodies import this file too,
    # and must not load the whole service.
    from services.ingest.command import run

    run(sys.argv[1:])
