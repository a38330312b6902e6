"""Says what the product does, to its operator alone: a log, and figures for Prometheus."""
