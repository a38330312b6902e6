"""Shows a report: as Markdown, as one HTML file that needs nothing else, and as the drawings in it."""
