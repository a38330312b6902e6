"""Makes of an evaluation's cells the report that every door shows: pure functions, the same result each time."""
