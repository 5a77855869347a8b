"""The commands `python -m luotdoc_subscriber parked` and `replay`. They need RabbitMQ alone."""
