"""The classes of a run are counted as what it yields has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.bulk_run import make_run
from graph.results import accepted, accepted_spans, class_counts
from graph.store.accepted_mentions import accepted_mentions
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
        disputed = accepted_mentions(reader, disputed_only=True)
        assert 0 < len(disputed) < len(accepted_spans(reader))
    assert {one.name: (one.mentions, one.documents) for one in counts} == {
        name: (mentions[name], documents[name]) for name in mentions
    }
    assert [one.mentions for one in counts] == sorted(mentions.values(), reverse=True)
