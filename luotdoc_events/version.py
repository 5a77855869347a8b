"""The version of the whole system, defined only here; `pyproject.toml` reads it."""

VERSION = "0.1.0"
