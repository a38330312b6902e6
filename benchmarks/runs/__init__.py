"""What a run costs beyond its models: overhead, overlap, many at once, and what a kill takes away."""
