"""Node kinds: each a function in a file of its own, and one row of the table."""
