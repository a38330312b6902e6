"""Many answers of one model written together: one forward pass a step for all of them, over one memory of keys."""
