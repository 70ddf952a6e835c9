"""The local page: pictures, clips and the webcam, answered by one model on this machine."""
