"""Settings as the environment gives them, for tests that need no server."""

from services.ingest.settings import IngestSettings


def ingest_settings(**given: str) -> IngestSettings:
    """ingest's settings; `given` are their texts. Raises `ValidationError`, a ValueError."""
    needed = {"amqp_url": "amqp://a@h", "mongo_url": "mongodb://h/d?replicaSet=r"}
    return IngestSettings.model_validate(needed | given)
