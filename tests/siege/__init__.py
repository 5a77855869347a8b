"""Strangers who send without end, slowly, or nonsense, while honest readers are served: `python -m
tests.siege`.
"""
