"""What the evaluation's figures are worth: do intervals cover, do tests keep their size, and what does it cost."""
