"""`python -m services.render`: run it."""

from services.render.app import build
from services.render.settings import RenderSettings
from shared.app import main

if __name__ == "__main__":
    main(RenderSettings, build)
