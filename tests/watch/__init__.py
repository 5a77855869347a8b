"""What the platform team watches, over a real stack: dashboards with their data, and alerts."""
