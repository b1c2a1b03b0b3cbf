"""Agents that say anything at all, drawn by hypothesis, in every form in which they can be asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from scripted_team import Cast, designed, judged, phrases
from servers.in_memory import Said

from agents.llm.client import CallFault, Request
from schemas.job import Profile

WORDS = [
    "Ann",
    "ann",
    "Bo",
    "Oslo",
    "the Oslo engine",
    "Oslo engine",
    "engine",
    "Zed",
    "",
    "in",
    "stands nowhere",
]
CLASSES = ["Person", "Place", "place", "Ship", "Data", "Other"]
FAULTS = [CallFault.TRUNCATED, CallFault.SERVER, CallFault.FILTERED]

_designs = st.lists(st.sampled_from(CLASSES), max_size=4)
_annotations = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(WORDS)), max_size=6)
_choices = st.lists(
    st.tuples(st.sampled_from([None, *CLASSES]), st.sampled_from([None, *WORDS])), min_size=1, max_size=4
)
_critiques = st.fixed_dictionaries(
    {
        "verdicts": st.lists(
            st.sampled_from(["correct", "Spurious", "wrong class", "wrong_boundary"]), min_size=1, max_size=3
        ),
        "classes": st.lists(st.sampled_from(CLASSES), min_size=1, max_size=3),
        "missing": st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(WORDS)), max_size=2),
        "remarks": st.lists(
            st.tuples(
                st.sampled_from(["GUIDELINE_CONTRADICTION", "SCHEMA_OVERLAP", "SCHEMA_MISSING_CLASS"]),
                st.sampled_from([None, *CLASSES]),
                st.sampled_from(["minor", "major"]),
            ),
            max_size=2,
        ),
    }
)


class Adversaries:
    """Answers drawn for each kind of question, given one after the other, over and over."""

    def __init__(self, moves: dict[str, list[Any]]) -> None:
        self.moves = moves
        self.taken: Counter[str] = Counter()

    def _next(self, kind: str) -> Any:
        self.taken[kind] += 1
        return self.moves[kind][(self.taken[kind] - 1) % len(self.moves[kind])]

    def designer(self, request: Request[Any]) -> Said:
        names = self._next("design")
        return names if isinstance(names, CallFault) else designed(*names)(request)

    def annotator(self, request: Request[Any]) -> Said:
        found = self._next("annotate")
        if isinstance(found, CallFault):
            return found
        lists: dict[str, list[str]] = {}
        for name, quote in found:
            lists.setdefault(name, []).append(quote)
        return dict(lists)

    def reviser(self, request: Request[Any]) -> Said:
        chosen = self._next("revise")
        if isinstance(chosen, CallFault):
            return chosen
        full = request.answer.__name__ == "Revision"
        decided = []
        for number, quote in phrases(request):
            name, words = chosen[number % len(chosen)]
            decided.append({"item": number, "class": name, "quote": words if full else quote})
        return {"phrases": decided}

    def critic(self, request: Request[Any]) -> Said:
        move = self._next("critique")
        if isinstance(move, CallFault):
            return move
        remarks = [
            {"code": code, "class": name, "severity": severity, "message": "so it is"}
            for code, name, severity in move["remarks"]
        ]

        def verdict(number: int, quote: str, name: str) -> str:
            said: str = move["verdicts"][(number + len(quote)) % len(move["verdicts"])]
            return said

        said = judged(verdict, move["missing"], remarks)(request)
        assert isinstance(said, dict)
        for number, one in enumerate(said["verdicts"]):
            one["class"] = move["classes"][number % len(move["classes"])]
        return said

    def cast(self, profile: Profile, annotators: int, passage_bytes: int) -> Cast:
        return Cast(
            designer=self.designer,
            annotator=self.annotator,
            reviser=self.reviser,
            critic=self.critic,
            profile=profile,
            annotators=annotators,
            passage_bytes=passage_bytes,
        )


def _moves(plain: st.SearchStrategy[Any], *, faulty: bool) -> st.SearchStrategy[list[Any]]:
    return st.lists(plain | st.sampled_from(FAULTS) if faulty else plain, min_size=1, max_size=4)


def adversaries(*, faulty: bool = False) -> st.SearchStrategy[Adversaries]:
    """Whole teams; faulty ones also lose calls."""
    kinds = {"design": _designs, "annotate": _annotations, "revise": _choices, "critique": _critiques}
    return st.fixed_dictionaries({kind: _moves(each, faulty=faulty) for kind, each in kinds.items()}).map(
        Adversaries
    )
