"""What other sites embed: badges and the widget."""
