"""``mien extract --cluster`` before there is a cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mien.errors import MienError
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

Run = Callable[..., tuple[int, str, str]]


def test_a_number_of_workers_does_not_go_with_a_cluster(run: Run) -> None:
    code, _, err = run("extract", "rendered:people=1", "--out", "store", "--cluster", "tcp://a:1",
                       "--workers", "2")  # fmt: skip
    assert code == 2
    assert "--workers counts processes of this machine" in err
    assert "dask worker" in err


def test_the_cluster_is_asked_for_before_anything_is_made(
    run: Run, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))

    def refuse(address: str, **needed: object) -> None:
        assert set(needed) == {"out", "bundle", "pictures"}
        raise MienError(f"No Dask scheduler answers at {address}.")

    monkeypatch.setattr("mien.experiments.api.extract.use_cluster", refuse)
    code, _, err = run("extract", "rendered:people=1", "--out", "store", "--cluster", "tcp://a:1")
    assert (code, err.strip()) == (2, "Error: No Dask scheduler answers at tcp://a:1.")
    assert not (tmp_path / "store").exists()
