"""Which models are in memory, who may use them, and which makes way: a pure policy, and the manager that obeys it."""
