"""Kills, stops and freezes everything at random moments under load, and checks that every read is
counted once.
"""
