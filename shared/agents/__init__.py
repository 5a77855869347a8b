"""What is kept of a user agent, and the rules by which it is a person's or a program's."""
