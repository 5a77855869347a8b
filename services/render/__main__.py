"""`python -m services.render`: run the service, or render all pages again."""

import sys

if __name__ == "__main__":
    # Imported here: the processes that render pages import this file too, and must not load the
    # whole service.
    from services.render.arguments import run

    run(sys.argv[1:])
