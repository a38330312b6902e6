"""Trains a LoRA adapter on a local model: from a file of examples to a row of the registry."""
