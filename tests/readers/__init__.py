"""`make readers-check`: unique readers beside plain sets of visitors, while everything is killed
and the site's day turns.
"""
