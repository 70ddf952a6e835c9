"""Clips and webcams: frames in, tracked faces with their expressions out."""

from mien.pipeline.video.clip_names import is_clip
from mien.pipeline.video.clip_reader import ClipReader, Frame
from mien.pipeline.video.frame_predictions import (
    FramePrediction,
    TrackedPrediction,
    predict_clip,
    predict_frames,
)

__all__ = [
    "ClipReader",
    "Frame",
    "FramePrediction",
    "TrackedPrediction",
    "is_clip",
    "predict_clip",
    "predict_frames",
]
