"""The classes of a run are counted as what it yields has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.bulk_run import make_run
from graph.agreement import typed_spans
from graph.results import accepted
from graph.store.accepted_spans import accepted_spans, class_counts
from graph.store.reading import RunReader


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_are_those_of_what_is_accepted(tmp_path: Path, seed: int) -> None:
    mentions: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    with RunReader(make_run(tmp_path, documents=60, calls=600, seed=seed)) as reader:
        for _, kept in accepted(reader):
            names = [one.class_name for top in kept.agreed.instances for one in top.walk() if one.anchor]
            mentions.update(names)
            documents.update(set(names))
        counts = class_counts(reader)
        spans = {document.id: typed_spans(kept.agreed) for document, kept in accepted(reader)}
        whole = {document.id: typed_spans(kept.agreed) for document, kept in reader.accepted()}
        assert accepted_spans(reader) == spans
        assert 0 < sum(spans[each] != whole[each] for each in spans) < len(spans)
    assert {one.name: (one.mentions, one.documents) for one in counts} == {
        name: (mentions[name], documents[name]) for name in mentions
    }
    assert [one.mentions for one in counts] == sorted(mentions.values(), reverse=True)
