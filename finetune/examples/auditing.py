"""What training data has in common with evaluation sets: labels, and texts.

A zero-shot score says little where the labels were trained on (87% of the types of the usual benchmarks stand
in published synthetic data by exact name), and nothing where the texts were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from statistics import median
from typing import NamedTuple

from pydantic import Field

from finetune.examples.copied_texts import CopiedTexts
from finetune.examples.models import Source
from finetune.examples.names import NEAR, Similarity, is_same, nearest, plain, string_similarity
from finetune.examples.near_copies import NearCopies
from schemas.base import Model
from schemas.splitting import split

FAMILIARITY_MENTIONS = 1000
"""Mentions that Familiarity looks at for each label: K of the paper."""

NEAR_TEXT = 0.8
"""Estimated Jaccard similarity of word 5-grams from which texts are near copies."""


class EvaluationSet(NamedTuple):
    """What a model is to be measured on.

    Attributes:
        name: For people.
        labels: Labels with their numbers of mentions.
        texts: Texts by their place: file and line.
    """

    name: str
    labels: Mapping[str, int]
    texts: Mapping[str, str]


class Comparison(NamedTuple):
    """How names that are not the same are compared.

    Attributes:
        similarity: Of names.
        near: From which similarity they are near.
        name: What makes them alike, for people.
    """

    similarity: Similarity = string_similarity
    near: float = NEAR
    name: str = "letters"


class LabelMatch(Model):
    """A label of an evaluation set, and what is like it in training."""

    label: str = Field(description="The label.")
    mentions: int = Field(description="Its mentions in the evaluation set.")
    nearest: str | None = Field(description="The likest class of the training data; None without any.")
    similarity: float = Field(description="How alike their names are, from 0 to 1; 1: the same name.")
    exact: bool = Field(description="Whether it is the same name, whatever its case, number and joints.")
    familiarity: float = Field(description="See `familiarity`.")


class TextMatch(Model):
    """A text of an evaluation set of which a copy, or a part of one, is in the training data."""

    place: str = Field(description="File and line of the evaluation text.")
    text: str = Field(description="The evaluation text.")
    document: str = Field(description="Id of the training document.")
    copied: float = Field(description="Share of its runs of 13 words that stand in training documents.")
    similarity: float = Field(description="Estimated Jaccard similarity to the likest text; 0: not near.")


class SetAudit(Model):
    """What one evaluation set has in common with the training data."""

    name: str = Field(description="The evaluation set.")
    labels: int = Field(description="Its labels.")
    labels_exact: int = Field(description="Labels that a class of the training data has the name of.")
    labels_near: int = Field(description="Other labels that a class is near to by name.")
    mentions: int = Field(description="Its mentions.")
    mentions_exact: int = Field(description="Mentions of the labels that are there by name.")
    familiarity: float = Field(description="Mean over its labels, 0 to 1; see `familiarity`.")
    texts: int = Field(description="Its texts.")
    texts_copied: int = Field(description="Texts with a run of 13 words that stands in a training document.")
    texts_near: int = Field(description="Texts that nearly equal one of the training data, or a passage.")
    texts_affected: int = Field(description="Texts that are one or the other.")
    texts_short: int = Field(description="Texts that are too short to tell (fewer than 5 words).")
    by_label: tuple[LabelMatch, ...] = Field(description="All labels, the most familiar first.")
    worst: tuple[TextMatch, ...] = Field(description="The most affected texts.")


class Audit(Model):
    """Training data held against evaluation sets."""

    training: str = Field(description="The training data.")
    documents: int = Field(description="Its documents.")
    classes: int = Field(description="Its classes, by name.")
    mentions: int = Field(description="Their instances.")
    names_by: str = Field(description="What makes names alike.")
    near: float = Field(description="Similarity of names from which labels count as near.")
    near_text: float = Field(description="Similarity from which texts count as near.")
    sets: tuple[SetAudit, ...] = Field(description="The evaluation sets.")


def audited(
    sources: Iterable[Source],
    sets: Sequence[EvaluationSet],
    *,
    training: str = "",
    names: Comparison | None = None,
    near_text: float = NEAR_TEXT,
    worst: int = 10,
) -> Audit:
    """Hold training data against evaluation sets.

    Classes that are in dispute all over a text do not count: training does not show them.

    Args:
        sources: The training data.
        sets: The evaluation sets.
        training: What the training data is called.
        names: How labels are compared with classes; default: by their letters.
        near_text: From which similarity a text counts as a near copy.
        worst: Most texts that are shown of each set.

    Raises:
        ModuleNotFoundError: datasketch is not installed.
    """
    names = names or Comparison()
    counts: Counter[str] = Counter()
    documents: dict[str, str] = {}
    for source in sources:
        counts.update({name: 0 for name in source.annotation_schema.names if name not in source.unknown})
        counts.update(
            one.class_name
            for top in source.annotation.instances
            for one in top.walk()
            if one.class_name not in source.unknown
        )
        documents[source.id if source.id not in documents else f"{source.id}~{len(documents)}"] = source.text
    texts = {
        _key(number, place): text for number, one in enumerate(sets) for place, text in one.texts.items()
    }
    copied = CopiedTexts(texts)
    for identifier, text in documents.items():
        copied.look_in(identifier, text)
    found = _Found(copied, _near_texts({key: texts[key] for key in copied.looked_for}, documents, near_text))
    return Audit(
        training=training,
        documents=len(documents),
        classes=len(counts),
        mentions=counts.total(),
        names_by=names.name,
        near=names.near,
        near_text=near_text,
        sets=tuple(
            _set_audit(
                one,
                [_label_match(label, one.labels[label], counts, names.similarity) for label in one.labels],
                found.matches({_key(number, place): place for place in one.texts}, texts),
                near=names.near,
                short=sum(_key(number, place) not in copied.looked_for for place in one.texts),
                worst=worst,
            )
            for number, one in enumerate(sets)
        ),
    )


def _key(number: int, place: str) -> str:
    """Of a text among those of all sets."""
    return f"{number} {place}"


class _Found(NamedTuple):
    """What was found of evaluation texts, by key: runs of words, and near copies with their likeness."""

    copied: CopiedTexts
    near: Mapping[str, tuple[str, float]]

    def matches(self, places: Mapping[str, str], texts: Mapping[str, str]) -> list[TextMatch]:
        """Of the texts with these keys those that are affected, the worst first."""
        matches = [
            TextMatch(
                place=place,
                text=texts[key],
                document=self.copied.document(key) or self.near[key][0],
                copied=self.copied.share(key),
                similarity=self.near[key][1] if key in self.near else 0.0,
            )
            for key, place in places.items()
            if self.copied.share(key) or key in self.near
        ]
        return sorted(matches, key=lambda match: (-max(match.copied, match.similarity), match.place))


def familiarity(
    label: str,
    training: Mapping[str, int],
    similarity: Similarity = string_similarity,
    most: int = FAMILIARITY_MENTIONS,
) -> float:
    """How familiar training makes a label: Familiarity of Golde et al. (2412.10121), for one label.

    With the mentions of the training data in the order of their class's similarity to the label, s_1 >= s_2
    >= ..., and K the smaller of `most` and their number::

        familiarity = sum(s_k / k for k in 1..K) / sum(1 / k for k in 1..K)

    This is the paper's Zipfian weighting. Its value for a set is the mean over the set's labels. The paper
    takes for s the cosine of sentence embeddings, not below 0; numbers by another similarity compare among
    themselves alone.

    Args:
        label: The label of an evaluation set.
        training: Classes of the training data with their numbers of mentions.
        similarity: Of names that are not the same.
        most: Mentions that are looked at, K.
    """
    alike = sorted(
        ((_alike(label, name, similarity), count) for name, count in training.items()), reverse=True
    )
    total = min(sum(training.values()), most)
    harmonic = [0.0, *accumulate(1 / rank for rank in range(1, total + 1))]
    weighted, rank = 0.0, 0
    for score, count in alike:
        end = min(rank + count, total)
        weighted += score * (harmonic[end] - harmonic[rank])
        rank = end
    return weighted / harmonic[total] if total else 0.0


def _alike(label: str, name: str, similarity: Similarity) -> float:
    return 1.0 if is_same(label, name) else min(similarity(plain(label), plain(name)), 1.0)


def _set_audit(
    one: EvaluationSet,
    labels: Sequence[LabelMatch],
    texts: Sequence[TextMatch],
    *,
    near: float,
    short: int,
    worst: int,
) -> SetAudit:
    exact = [match for match in labels if match.exact]
    return SetAudit(
        name=one.name,
        labels=len(labels),
        labels_exact=len(exact),
        labels_near=sum(match.similarity >= near and not match.exact for match in labels),
        mentions=sum(one.labels.values()),
        mentions_exact=sum(match.mentions for match in exact),
        familiarity=sum(match.familiarity for match in labels) / len(labels) if labels else 0.0,
        texts=len(one.texts),
        texts_copied=sum(match.copied > 0 for match in texts),
        texts_near=sum(match.similarity > 0 for match in texts),
        texts_affected=len(texts),
        texts_short=short,
        by_label=tuple(sorted(labels, key=lambda match: (-match.familiarity, match.label))),
        worst=tuple(texts[:worst]),
    )


def _label_match(label: str, mentions: int, counts: Mapping[str, int], similarity: Similarity) -> LabelMatch:
    found = nearest(label, counts, similarity)
    return LabelMatch(
        label=label,
        mentions=mentions,
        nearest=found[0] if found else None,
        similarity=found[1] if found else 0.0,
        exact=found is not None and is_same(label, found[0]),
        familiarity=familiarity(label, counts, similarity),
    )


def _near_texts(
    texts: Mapping[str, str], documents: Mapping[str, str], threshold: float
) -> dict[str, tuple[str, float]]:
    """Texts that nearly equal a training document or a passage of it, by place, with the likest document.

    Documents are cut at sentences to the length that is usual of the texts: the sets of words of a sentence
    and of a page are never alike.
    """
    known = NearCopies(threshold)
    usual = max(int(median(map(len, texts.values()))), 4) if texts else 4
    for identifier, document in documents.items():
        pieces = [document, *(passage.text for passage in split(document, usual, len))]
        for number, piece in enumerate(dict.fromkeys(pieces)):
            known.add(f"{number} {identifier}", piece)
    near: dict[str, tuple[str, float]] = {}
    for key, text in texts.items():
        found = known.near(text)
        if found is not None:
            near[key] = (found[0].partition(" ")[2], found[1])
    return near
