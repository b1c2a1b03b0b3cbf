"""How good accepted annotations are, measured against gold."""

from graph.quality.measuring import Settings, measure
from graph.quality.models import QualityReport
from graph.quality.ranking import Confidence
from graph.quality.results import read_results

__all__ = ["Confidence", "QualityReport", "Settings", "measure", "read_results"]
