"""Gold annotations: texts with the mentions that people found in them."""

from graph.gold.models import Gold, GoldDocument, GoldMention
from graph.gold.reading import read_gold

__all__ = ["Gold", "GoldDocument", "GoldMention", "read_gold"]
