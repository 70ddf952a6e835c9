"""Two stores of the same pictures, by the networks run directly and by MediaPipe's own graph.

For every row: which of the two found a face, in which attempt, and how far apart the landmarks are.
"""

from __future__ import annotations

import sys

import numpy as np

from mien.pipeline.store import FeatureStore


def main() -> None:
    """Compare the stores OURS and THEIRS."""
    ours, theirs = (FeatureStore.open(path) for path in sys.argv[1:])
    both = ours.has_face & theirs.has_face
    same = both & (ours.rows["attempt"] == theirs.rows["attempt"]).to_numpy()
    print(f"faces: {ours.has_face.sum():,} and {theirs.has_face.sum():,}, both {both.sum():,}")
    print(f"in the same attempt: {same.sum():,}")
    for name, rows in (("both", both), ("same attempt", same)):
        apart = np.linalg.norm((ours.mesh[rows] - theirs.mesh[rows])[:, :, :2], axis=2)
        mean = apart.mean(axis=1)
        told = ", ".join(
            f"{q:g} %: {np.quantile(mean, q / 100):.4f}" for q in (50, 90, 99, 99.9, 100)
        )
        print(f"{name}: mean distance of a face's landmarks, pixels of the picture: {told}")
        print(f"  faces with a mean under 0.1 pixel: {(mean < 0.1).mean():.2%}")
        print(f"  largest of a face's landmarks, median: {np.median(apart.max(axis=1)):.3f}")


if __name__ == "__main__":
    main()
