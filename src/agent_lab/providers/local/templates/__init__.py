"""Renders chat templates, which are code from strangers, in processes of their own with limits on time and memory."""
