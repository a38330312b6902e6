"""Says with a paired test at equal cost whether a deliberation was worth its price."""
