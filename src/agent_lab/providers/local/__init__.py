"""Runs models on this machine; torch and transformers are imported here and nowhere else, when first needed."""
