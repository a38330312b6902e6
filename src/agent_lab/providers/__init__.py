"""What runs models: each provider turns a resolved call into pieces of text and one answer."""
