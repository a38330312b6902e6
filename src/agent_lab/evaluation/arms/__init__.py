"""Ways of answering, each made into a flow that a run can run."""
