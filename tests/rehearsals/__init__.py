"""Rehearsals of docs/operations.md on servers of their own, under load: what a restore, a rotation
or a loss does to reads.
"""
