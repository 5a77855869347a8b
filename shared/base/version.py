"""The version of the whole system: the one place where it stands. `pyproject.toml` reads it from here."""

VERSION = "0.1.0"
