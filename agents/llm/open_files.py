"""Open files: every connection takes one, and many systems allow a process 1,024."""

from __future__ import annotations

from schemas.errors import UsageError

_BESIDE = 128
"""For the database, documents, and what libraries have open."""


def allow_connections(count: int, pools: int = 1) -> None:
    """Raise this process's limit on open files as far as connections need.

    Args:
        count: Connections of each pool.
        pools: Pools with so many; that all are full at the same time is unlikely, so one has to fit.

    Raises:
        UsageError: The system does not allow this user enough for one pool.
    """
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    least, wanted = count + _BESIDE, count * pools + _BESIDE
    if hard != resource.RLIM_INFINITY:
        if hard < least:
            raise UsageError(
                f"{count:,} connections need {least:,} open files, and the system allows {hard:,}.",
                f"Raise the limit (ulimit -n {least}), or allow at most {max(1, hard - _BESIDE):,} of them.",
            )
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
