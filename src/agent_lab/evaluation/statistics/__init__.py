"""Paired tests, intervals that cover what they promise, and what a number of items can show: plain numbers out."""
