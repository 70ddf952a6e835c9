"""Facial expression recognition with landmarks, classical machine learning and a CNN to compare."""

__version__ = "0.1.0"
