"""The routes of the lab: models, inference, orchestration, flows, runs, cache and health."""
