"""The subscriber kit: from a queue to a handler, with retries, the guard, and parking.

It needs RabbitMQ alone.
"""
