"""What the machine has left."""

from __future__ import annotations

from pathlib import Path

_FREE = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def available_memory(free: Path = _FREE, group: Path = _GROUP) -> int | None:
    """Bytes that may be taken without swapping, or None where the system does not say.

    Linux says it; a control group may leave less than the machine has.

    Args:
        free: file with a line ``MemAvailable: 123 kB``.
        group: folder of the process's control group.
    """
    found: list[int] = []
    for line in _text(free).splitlines():
        words = line.split()
        if words[:1] == ["MemAvailable:"] and words[1].isdigit():
            found.append(1024 * int(words[1]))
    most, used = (
        _text(group / name).strip() for name in ("memory.max", "memory.current")
    )
    if most.isdigit() and used.isdigit():
        found.append(max(int(most) - int(used), 1))
    return min(found, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
