"""Clock, log, settings, errors: what every process needs, and nothing of HTTP, RabbitMQ or
MongoDB.
"""
