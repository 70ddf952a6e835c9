"""The built-in families: importing this module registers them."""

from mien.features.blendshapes import Blendshapes
from mien.features.dense_hog import DenseHog
from mien.features.geometry import Geometry
from mien.features.patch_gabor import PatchGabor
from mien.features.patch_hog import PatchHog
from mien.features.patch_lbp import PatchLbp
from mien.features.patch_sift import PatchSift
from mien.features.pixels import Pixels
from mien.features.points import Points
from mien.features.pose import Pose

__all__ = [
    "Blendshapes",
    "DenseHog",
    "Geometry",
    "PatchGabor",
    "PatchHog",
    "PatchLbp",
    "PatchSift",
    "Pixels",
    "Points",
    "Pose",
]
