"""Documents as tokens and ranges of tokens: rows of `gliner` and `prodigy`."""

from __future__ import annotations

from graph.exports.documents import ExportedDocument
from graph.exports.rows import GlinerMention, GlinerRow, ProdigyRow, ProdigySpan
from graph.exports.tally import Lost, Tally
from graph.exports.tokens import tokens_in, tokens_of, words


def gliner_row(document: ExportedDocument, tally: Tally) -> GlinerRow | None:
    """What GLiNER's trainer reads: token indices include the last one.

    `ner_labels` are all classes it is trained on here, so that those of other documents, which nobody looked
    for in this one, are not taken for negatives. Classes in dispute are in none of the lists.
    """
    if not document.known_classes:
        tally.lost[Lost.NO_CLASS] += 1
        return None
    text, spans = document.document.text, document.known_spans
    tally.lost[Lost.UNKNOWN] += len(document.spans) - len(spans)
    tokens = tokens_of(text, spans)
    mentions: list[GlinerMention] = []
    for span in spans:
        within = tokens_in(span, tokens)
        if within is None:
            tally.lost[Lost.BLANK] += 1
        else:
            mentions.append((within.start, within.stop - 1, span.label))
    found = {label for _, _, label in mentions}
    return {
        "id": document.document.id,
        "tokenized_text": words(text, tokens),
        "token_offsets": list(tokens),
        "ner": mentions,
        "ner_labels": list(document.known_classes),
        "ner_negatives": [name for name in document.known_classes if name not in found],
    }


def prodigy_row(document: ExportedDocument, tally: Tally) -> ProdigyRow:
    """What Prodigy's recipes for spans read; classes in dispute are named in `meta`."""
    text, spans = document.document.text, document.spans
    tokens = tokens_of(text, spans)
    made: list[ProdigySpan] = []
    for span in spans:
        within = tokens_in(span, tokens)
        if within is None:
            tally.lost[Lost.BLANK] += 1
            continue
        made.append(
            {
                "start": tokens[within.start][0],
                "end": tokens[within.stop - 1][1],
                "token_start": within.start,
                "token_end": within.stop - 1,
                "label": span.label,
            }
        )
    return {
        "text": text,
        "tokens": [
            {
                "text": text[start:end],
                "start": start,
                "end": end,
                "id": number,
                "ws": text[end : end + 1].isspace(),
            }
            for number, (start, end) in enumerate(tokens)
        ],
        "spans": made,
        "meta": {
            "id": document.document.id,
            "source": document.document.source,
            "unknown_classes": ", ".join(document.unknown),
        },
        "answer": "accept",
    }
