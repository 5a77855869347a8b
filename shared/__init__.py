"""What two or more services need, and nothing else. Nothing in here imports a service."""
