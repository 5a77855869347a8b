"""The packages as a stranger installs them: `python -m tests.packages`."""
