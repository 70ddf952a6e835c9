"""Readers of dataset layouts: each turns a source into a FaceSet."""
