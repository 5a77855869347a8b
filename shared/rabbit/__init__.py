"""RabbitMQ: the connection, the topology, confirmed publishes, heartbeats, and the batch of reads
on the wire.
"""
