"""RabbitMQ: the connection, the layout of exchanges and queues, confirmed publishes."""
