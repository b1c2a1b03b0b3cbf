"""Thresholds tried and set after a run: documents are decided anew from stored scores, without a call."""

from graph.thresholds.facts import DocumentFacts, RunFacts, load
from graph.thresholds.redeciding import (
    Flip,
    NewVersion,
    Trial,
    as_in_force,
    catch_up,
    decide_again,
    set_thresholds,
    try_thresholds,
    use_version,
)

__all__ = [
    "DocumentFacts",
    "Flip",
    "NewVersion",
    "RunFacts",
    "Trial",
    "as_in_force",
    "catch_up",
    "decide_again",
    "load",
    "set_thresholds",
    "try_thresholds",
    "use_version",
]
