"""The contract with subscribers: what docs/events holds is made from `luotdoc_events.events`, and
kept compatible.

`python -m shared.contract write | check | release VERSION`
"""
