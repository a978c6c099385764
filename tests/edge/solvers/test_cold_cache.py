"""The same bits from kernels just compiled and from kernels read from the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import hashlib
from stackelberg import edge
market = edge.generate(seed=0, num_users=200, num_nodes=30)
answer = edge.allocate(market)
for numbers in (answer.value.allocation.data, answer.value.capacity_shadow_price):
    print(hashlib.sha256(numbers.tobytes()).hexdigest())
print(answer.certificate.gap_per_user)
"""


def _printed(cache: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def test_a_first_run_gives_the_bits_of_every_later_one(tmp_path: Path) -> None:
    compiled = _printed(tmp_path)
    assert len(compiled.split()) == 3
    assert any(tmp_path.rglob("*.nbc"))
    assert _printed(tmp_path) == compiled
