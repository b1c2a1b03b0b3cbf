"""Gold annotations: texts with the mentions that people found in them."""

from finetune.gold.models import Gold, GoldDocument, GoldMention
from finetune.gold.naming import class_of
from finetune.gold.reading import read_gold

__all__ = ["Gold", "GoldDocument", "GoldMention", "class_of", "read_gold"]
