"""What a deliberation did to its answers, read in the events of its runs."""
