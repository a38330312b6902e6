"""The scorers: each reads in an answer what it comes down to, the same way for every arm, and under a version."""
