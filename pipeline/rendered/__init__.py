"""Faces drawn from MediaPipe's canonical mesh: the offline default dataset."""
