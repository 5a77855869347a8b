"""The contract with subscribers: what docs/events holds is made from `shared.events`, and kept compatible.

`python -m shared.contract write | check | release VERSION`
"""
