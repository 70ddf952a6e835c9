"""Readers of dataset layouts: each turns a source into a FaceSet."""

from mien.pipeline.datasets.registry import LAYOUTS, read_dataset

__all__ = ["LAYOUTS", "read_dataset"]
