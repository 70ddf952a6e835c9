"""The built-in families: importing this module registers them."""

from mien.features.blendshapes import Blendshapes
from mien.features.geometry import Geometry
from mien.features.patch_hog import PatchHog
from mien.features.pose import Pose

__all__ = ["Blendshapes", "Geometry", "PatchHog", "Pose"]
