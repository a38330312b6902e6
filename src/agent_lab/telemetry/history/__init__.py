"""What happened lately, over time: noted every few seconds, kept for a month, read as series and tables."""
