"""`guidex validate`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from guidex.cli.job_flags import JobFlags, takes_job
from guidex.cli.options import AsJson
from schemas.errors import UsageError

if TYPE_CHECKING:
    from guidex.checks import Check


@takes_job
def validate(flags: JobFlags, json: AsJson = False) -> None:
    """Check a job without any call or download: the file, documents, models, keys, prices.

    Every problem is listed. Exit codes: 0 none, 2 a run would fail.
    """
    from guidex.cli.console import print_json

    checks = list(_checks(flags))
    missing = [check for check in checks if check.state == "missing"]
    if json:
        print_json({"ok": not missing, "checks": [check.model_dump() for check in checks]})
    else:
        from guidex.cli.check_list import print_checks

        print_checks(checks, "Nothing stands in the way of a run; `guidex doctor` also asks the models.")
    raise typer.Exit(2 if missing else 0)


def _checks(flags: JobFlags) -> Iterator[Check]:
    from guidex.checks import Check
    from guidex.job_checks import job_checks
    from schemas.job import InvalidJobError

    what = "job" if flags.job_file is None else flags.job_file.as_posix()
    try:
        job, _ = flags.job()
    except InvalidJobError as error:
        for fault in error.faults:
            yield Check(what=what, state="missing", found=fault, remedy=error.remedy)
        return
    except UsageError as error:
        yield Check(what=what, state="missing", found=str(error), remedy=error.remedy)
        return
    yield Check(what=what, state="ok", found="every key is known and in its range")
    yield from job_checks(job)
