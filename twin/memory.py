"""How much memory there is, and a refusal with a number before an allocation that cannot fit."""

from __future__ import annotations

from pathlib import Path

from twin.errors import LayerError

__all__ = ["available_memory", "require_memory"]

_CGROUP_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_memory() -> int | None:
    """Bytes that can still be allocated (Linux: MemAvailable and a container's limit), None if unknown."""
    free = [bytes_ for bytes_ in (_meminfo(), *(_cgroup(*files) for files in _CGROUP_LIMITS)) if bytes_ is not None]
    return min(free, default=None)


def require_memory(needed: int, where: str, remedy: str = "Choose a smaller area or larger cells.") -> None:
    """Refuse an allocation of `needed` bytes that does not fit; where the free memory is unknown nothing is refused.

    Raises
    ------
    LayerError
        With both numbers.
    """
    free = available_memory()
    if free is not None and needed > free:
        raise LayerError(
            f"needs {needed / 1e9:,.1f} GB of memory, {free / 1e9:,.1f} GB are free", where=where, remedy=remedy
        )


def _meminfo() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _cgroup(limit: str, usage: str) -> int | None:
    try:
        most, used = Path(limit).read_text(encoding="ascii").strip(), Path(usage).read_text(encoding="ascii").strip()
    except OSError:
        return None
    # "max" is no limit; caches count as used and can be given back, so a full cgroup still keeps a tenth
    return None if most == "max" else max(int(most) - int(used), int(most) // 10)
