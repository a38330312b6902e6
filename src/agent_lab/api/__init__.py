"""The HTTP application: who may come in, what is refused at the door, and the page that watches a run."""
