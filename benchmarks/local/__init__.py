"""What local models cost: beside bare transformers on the same weights, in the same run."""
