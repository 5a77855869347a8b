"""Random bytes in messages, at the level of AMQP's frames: everything is parked or counted, nothing
stops.
"""
