"""The flip test: one known error at a time in a correct annotation, and whether the critic finds it."""

from graph.flip_test.examining import FlipTest
from graph.flip_test.mutations import Flip, flip
from graph.flip_test.report import CodeReport, FlipReport
from graph.flip_test.specimens import Specimen, from_gold, from_run

__all__ = ["CodeReport", "Flip", "FlipReport", "FlipTest", "Specimen", "flip", "from_gold", "from_run"]
