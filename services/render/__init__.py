"""render: turns articles into HTML pages and serves them."""
