"""Folds, tuning, comparison, report, command line."""
