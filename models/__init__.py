"""Estimators, and the file a user takes away."""
