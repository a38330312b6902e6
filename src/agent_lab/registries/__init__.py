"""The models and strategies that the product knows: data files, checked as they are read."""
