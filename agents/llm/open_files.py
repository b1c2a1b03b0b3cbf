"""Open files: every connection takes one, and many systems allow a process 1,024."""

from __future__ import annotations

from schemas.errors import UsageError

_BESIDE = 128
"""For the database, documents, and what libraries have open."""


def allow_connections(count: int) -> None:
    """Raise this process's limit on open files as far as so many connections need.

    Raises:
        UsageError: The system does not allow this user as many.
    """
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise UsageError(
            f"{count:,} connections need {wanted:,} open files, and the system allows {hard:,}.",
            f"Raise the limit (ulimit -n {wanted}), or allow at most {max(1, hard - _BESIDE):,} connections.",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
