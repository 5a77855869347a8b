"""What every process needs: clock, log, settings, errors, metrics; nothing of HTTP or RabbitMQ."""
