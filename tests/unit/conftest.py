"""Property tests have no deadline: on a busy machine a single example may take long by chance."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
