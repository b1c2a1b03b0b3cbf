"""GuideX's own formats."""

from __future__ import annotations

from typing import Final

from graph.exports.argilla import write_argilla
from graph.exports.conll import write_conll
from graph.exports.formats import Format, json_lines
from graph.exports.hugging_face import write_data_set
from graph.exports.label_studio import write_label_studio
from graph.exports.parquet import write_parquet
from graph.exports.record_rows import jsonl_row
from graph.exports.spacy_docs import write_spacy
from graph.exports.token_rows import gliner_row, prodigy_row
from graph.exports.training_rows import chat_row, gollie_row, guidex_row

FORMATS: Final = {
    each.name: each
    for each in (
        json_lines("guidex", "training in the code dialect", guidex_row),
        json_lines("gollie", "training in GoLLIE's flavour", gollie_row),
        Format("hf", "Hugging Face datasets", "", write_data_set),
        json_lines("chat", "TRL and Axolotl", chat_row),
        Format("spacy", "spaCy", "", write_spacy, extra="spacy"),
        Format("conll", "taggers of tokens", ".conll", write_conll),
        json_lines("gliner", "GLiNER", gliner_row),
        Format("labelstudio", "Label Studio", "", write_label_studio),
        Format("argilla", "Argilla", "", write_argilla),
        json_lines("prodigy", "Prodigy", prodigy_row),
        json_lines("jsonl", "everything that is known, with offsets", jsonl_row),
        Format("parquet", "data frames and databases", ".parquet", write_parquet),
    )
}
"""By name, in the order in which they are told."""
