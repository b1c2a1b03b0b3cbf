"""Which class of the gold is which class of a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

from agents.class_names import plain_name
from schemas.annotation import TypedSpan
from schemas.errors import UsageError

_SHOWN = 20


class ClassNames:
    """Names of one class are the same in any form: `musicalartist`, `MusicalArtist`, `musical artist`.

    Attributes:
        only_gold: Classes of the gold that no schema has; their mentions count as missed.
        only_run: Classes of the schemas that the gold has no mention of; their mentions count as wrong.
    """

    def __init__(
        self,
        gold: Iterable[str],
        own: Iterable[str],
        mapping: Mapping[str, str] | None = None,
        ignored: Collection[str] = (),
    ) -> None:
        """Compare the classes.

        Args:
            gold: Labels of the gold.
            own: Classes of the schemas.
            mapping: The own class that a label of the gold stands for; several labels may stand for one.
            ignored: Labels or classes whose mentions are left out on both sides.

        Raises:
            UsageError: A class that is mapped or ignored is on neither side.
        """
        labels = {_key(label): label for label in reversed(list(gold))}
        names = {_key(name): name for name in reversed(list(own))}
        self._mapped = {_key(label): _key(name) for label, name in (mapping or {}).items()}
        for label, name in (mapping or {}).items():
            _require(label, labels, "The gold has no class")
            if names:
                _require(name, names, "No schema has a class")
        for name in ignored:
            _require(name, labels | names, "Neither the gold nor a schema has a class")
        left_out = {_key(name) for name in ignored}
        self._ignored = left_out | {self._mapped[key] for key in left_out if key in self._mapped}
        in_gold = {self._mapped.get(key, key): label for key, label in labels.items()}
        self._shown = in_gold | names
        self.only_gold = self._named(in_gold.keys() - names.keys())
        self.only_run = self._named(names.keys() - in_gold.keys())

    def of_gold(self, label: str) -> str | None:
        """The class that a label stands for; None if its mentions are left out."""
        key = _key(label)
        return None if key in self._ignored else self._show(self._mapped.get(key, key), label)

    def of_run(self, name: str) -> str | None:
        """The class that a schema's class stands for; None if its mentions are left out."""
        return self._show(_key(name), name)

    def _show(self, key: str, name: str) -> str | None:
        return None if key in self._ignored else self._shown.get(key, name)

    def _named(self, keys: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(self._shown[key] for key in keys if key not in self._ignored))


def named(mentions: Collection[TypedSpan], name_of: Callable[[str], str | None]) -> set[TypedSpan]:
    """Mentions with the names under which classes are compared, without those that are left out.

    Args:
        mentions: Of the gold, or of a run.
        name_of: `ClassNames.of_gold`, or `ClassNames.of_run`.
    """
    renamed = ((start, end, name_of(label)) for start, end, label in mentions)
    return {(start, end, name) for start, end, name in renamed if name is not None}


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return plain_name(name) or name.strip().casefold()


def _require(name: str, known: Mapping[str, str], complaint: str) -> None:
    if _key(name) not in known:
        names = sorted(known.values())
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        raise UsageError(f"{complaint} {name!r}.", f"There are: {shown}.")
