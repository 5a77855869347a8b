"""The events of Lượt Đọc, as types: `luotdoc_events.events`. Nothing in here needs more than
pydantic.
"""
