"""Measurements against public baselines: ``python -m mien.experiments.benchmarks.extraction``."""
