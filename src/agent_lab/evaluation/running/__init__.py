"""How an evaluation is carried out: its arms asked, paid once, kept as they come."""
