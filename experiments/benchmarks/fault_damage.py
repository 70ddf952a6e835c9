"""Every file of a store cut short, with a flipped byte, or gone; found, said and mended."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mien.experiments.benchmarks.fault_jobs import Extract, read_store
from mien.experiments.benchmarks.fault_processes import Command
from mien.pipeline.verified import VERIFIED

KINDS = ("a byte flipped", "cut short", "gone")


@dataclass(frozen=True)
class DamageResult:
    """What became of one damaged file.

    Attributes
    ----------
    file, kind : str
    found : bool
        Whether ``mien info --check`` named the file and ended with a code other than 0.
    mended : bool
        Whether the next extraction left the store as it was, byte by byte.
    rows : int
        Rows that it computed again.
    untouched : bool
        Whether it left the other arrays alone.
    """

    file: str
    kind: str
    found: bool
    mended: bool
    rows: int
    untouched: bool

    @property
    def harmless(self) -> bool:
        """Whether the damage was found and mended."""
        return self.found and self.mended


def damage_each(
    job: Extract,
    store: Path,
    folder: Path,
    *,
    seed: int = 0,
    tell: Callable[[str], None] = print,
) -> list[DamageResult]:
    """Damage each file of a copy of a store in each way, and extract again.

    Parameters
    ----------
    job : Extract
        What made the store.
    store : Path
    folder : Path
    seed : int
    tell : callable
    """
    expected, rng = read_store(store), random.Random(seed)
    place = folder / "damaged"
    shutil.copytree(store, place / "store", ignore=shutil.ignore_patterns(VERIFIED))
    results = []
    for file in sorted(expected):
        for kind in KINDS:
            target = place / "store" / file
            _damage(target, kind, rng)
            before = _list_times(place / "store")
            checked = Command(["info", str(place / "store"), "--check"], place).finish()
            ended = Command(job.words(place), place).finish()
            found = checked.code in (1, 2) and target.name in checked.out + checked.err
            mended = ended.code == 0 and read_store(place / "store") == expected
            after = _list_times(place / "store")
            untouched = all(after.get(name) == before[name] for name in before if name != file)
            rows = re.search(r"^([\d,]+) rows in \d+ s", ended.out, re.MULTILINE)
            count = int(rows[1].replace(",", "")) if rows else 0
            results.append(DamageResult(file, kind, found, mended, count, untouched))
            tell(f"{results[-1]} {checked.out.strip()} {checked.err.strip()} / {ended.err[-2000:]}")
            if not mended:
                shutil.rmtree(place / "store")
                shutil.copytree(store, place / "store")
    return results


def _damage(target: Path, kind: str, rng: random.Random) -> None:
    content = bytearray(target.read_bytes())
    if kind == "gone":
        target.unlink()
    elif kind == "cut short":
        target.write_bytes(content[: rng.randrange(len(content))])
    else:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        target.write_bytes(content)


def _list_times(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.npy")
    }
