"""Reads: the beacon, its filters, and the way of a batch to RabbitMQ or into the spool."""
