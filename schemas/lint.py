"""Schema lint: what is wrong with a schema and its guidelines can often be seen without asking a model."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Iterator
from itertools import combinations

from rapidfuzz import fuzz

from schemas.judgement import Finding, FindingCode, Severity
from schemas.schema import AnnotationSchema, ClassSpec, require_identifier

MAX_DEFINITION = 400
"""Longest definition, in characters. Long plain definitions hurt as often as they help (2409.00369)."""

MAX_GUIDELINE = 2000
"""Longest guideline with all its parts, in characters."""

NEAR_NAMES = 90.0
"""Similarity (0..100) from which two class names are near-duplicates."""

NEAR_DEFINITIONS = 92.0
"""Similarity (0..100) from which two definitions say the same."""

# Names that say nothing about what a mention is; most were seen as types in published synthetic data.
_CATCH_ALL = frozenset(
    """
    annotation answer anything attribute category class concept content data datum detail document element
    entity entry everything example fact field generic info information input instance item keyword label list
    main mention metadata misc miscellaneous node noun object other output overview paragraph phrase response
    result root schema set something span structure stuff summary tag text thing token topic type unknown
    value variable word wrapper
    """.split()
)
# With any qualifier these are still containers of facts rather than facts: 'PatientInformation'.
_CATCH_ALL_HEADS = frozenset("info information detail metadata misc miscellaneous stuff".split())
_CATCH_ALL_QUALIFIERS = frozenset(
    """
    additional all any base basic common core default domain extra extracted further general global important
    key main more my named new overall primary related relevant source specific various
    """.split()
)
_DIALECT_NAMES = frozenset(
    """
    Any ClassVar Dict Entity Enum Field List Literal None Optional Set Template Tuple Union dataclass field
    labels result text
    """.split()
)
_BUILTIN_NAMES = frozenset(dir(builtins))
_TYPE_NAMES = frozenset("bool dict field float int list str tuple Dict List Literal Optional Union".split())

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_CAP_WORDS = re.compile(r"[A-Z][A-Za-z0-9]*")


def lint(schema: AnnotationSchema, used: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Findings on the schema and its guidelines, in the order of the classes; pairs of classes last.

    Args:
        schema: What is judged.
        used: Names of the classes that have instances; None if nothing has been annotated yet.
    """
    return tuple(_findings(schema, used))


def is_catch_all(name: str) -> bool:
    """Whether a class name says nothing about what a mention is: 'Information', 'KeyFacts', 'OtherItem'."""
    words = [_singular(word) for word in _words(name) if not word.isdigit()]
    if not words:
        return True
    if words[-1] in _CATCH_ALL_HEADS or words[0] in ("other", "misc", "miscellaneous"):
        return True
    return words[-1] in _CATCH_ALL and all(
        word in _CATCH_ALL or word in _CATCH_ALL_QUALIFIERS for word in words
    )


def class_name_from(raw: str) -> str | None:
    """The class name in CapWords that a model meant: 'medical device' and 'medical_device' are MedicalDevice.

    Words with letters beyond ASCII are left out rather than changed. None if nothing usable remains.
    """
    folded = re.sub(r"\([^)]*\)", " ", raw[:1000])  # 'Person(s)', 'Drug (generic)'
    words = [word for word in re.split(r"[\W_]+", folded) if word and word.isascii()]
    words[:1] = [word for word in (words[0].lstrip("0123456789"),) if word] if words else []
    name = ""
    for word in words:
        # PERSON and MEDICAL_DEVICE are meant as words, DNA as an abbreviation.
        shouted = word.isupper() and (len(word) > 4 or ("_" in raw and raw.isupper()))
        part = word.capitalize() if shouted else word[0].upper() + word[1:]
        if len(name) + len(part) > 100:
            break
        name += part
    try:
        return require_identifier(name)
    except ValueError:
        return None


def _findings(schema: AnnotationSchema, used: Collection[str] | None) -> Iterator[Finding]:
    for spec in schema.classes:
        yield from _name_findings(spec)
        yield from _guideline_findings(spec, schema)
        if used is not None and spec.name not in used:
            yield _finding(
                FindingCode.SCHEMA_GENERIC,
                Severity.MINOR,
                spec,
                f"Nothing was annotated as {spec.name}: drop it, or name what the document really has.",
            )
    for first, second in combinations(schema.classes, 2):
        if found := overlap(first, second):
            yield _finding(FindingCode.SCHEMA_OVERLAP, found[0], second, found[1])  # about the later class


def _name_findings(spec: ClassSpec) -> Iterator[Finding]:
    name = spec.name
    if name in _BUILTIN_NAMES or name in _DIALECT_NAMES:
        reason = (
            f"{name} hides a name that Python or the data format uses: give the class a name of the domain."
        )
        yield _finding(FindingCode.SCHEMA_GENERIC, Severity.MAJOR, spec, reason)
    elif is_catch_all(name):
        reason = f"{name} says nothing about what a mention is: name the kinds of things the document names."
        yield _finding(FindingCode.SCHEMA_GENERIC, Severity.MAJOR, spec, reason)
    elif not _CAP_WORDS.fullmatch(name):
        reason = f"{name} is no class name in CapWords: write {class_name_from(name) or 'one'}."
        yield _finding(FindingCode.SCHEMA_GENERIC, Severity.MINOR, spec, reason)
    for field in spec.fields:
        if field.name in _TYPE_NAMES:
            reason = f"The field {field.name} of {name} hides the name of a type: rename it."
            yield _finding(FindingCode.SCHEMA_GENERIC, Severity.MAJOR, spec, reason)


def _guideline_findings(spec: ClassSpec, schema: AnnotationSchema) -> Iterator[Finding]:
    guideline = spec.guideline
    length = len(guideline.definition)
    contrasts = sum(len(contrast.difference) for contrast in guideline.contrast)
    whole = (
        length
        + sum(map(len, guideline.include + guideline.exclude + guideline.negatives))
        + len(guideline.boundary)
        + contrasts
    )
    reason = ""
    if not length:
        reason = f"{spec.name} has no definition: say in one sentence what a mention of it is."
    elif length > MAX_DEFINITION:
        reason = f"The definition of {spec.name} has {length} characters: say it in at most {MAX_DEFINITION}."
    elif whole > MAX_GUIDELINE:
        reason = f"The guideline of {spec.name} has {whole} characters: say it in at most {MAX_GUIDELINE}."
    if reason:
        yield _finding(FindingCode.GUIDELINE_UNDERSPECIFIED, Severity.MINOR, spec, reason)
    for contrast in guideline.contrast:
        if contrast.sibling == spec.name:
            reason = f"The guideline of {spec.name} tells it apart from itself."
        elif schema.get(contrast.sibling) is None:
            reason = (
                f"The guideline of {spec.name} contrasts it with {contrast.sibling}, which is no class here."
            )
        else:
            continue
        yield _finding(FindingCode.GUIDELINE_CONTRADICTION, Severity.MINOR, spec, reason)
    examples = {example.casefold() for example in spec.anchor.examples} if spec.anchor else set()
    for phrase in guideline.negatives:
        if phrase.casefold() in examples:
            reason = f"{phrase!r} is an example of {spec.name} and of what is none."
            yield _finding(FindingCode.GUIDELINE_CONTRADICTION, Severity.MINOR, spec, reason)


def folded_name(name: str) -> str:
    """The words of a class name in lower case and singular, to be compared: 'PortCalls' is 'port call'."""
    return " ".join(_singular(word) for word in _words(name))


def overlap(first: ClassSpec, second: ClassSpec) -> tuple[Severity, str] | None:
    """How two classes overlap by name or definition, and how gravely: major if they are surely one."""
    names = [folded_name(spec.name) for spec in (first, second)]
    joined = [name.replace(" ", "") for name in names]
    definitions = [spec.guideline.definition.casefold() for spec in (first, second)]
    pair = f"{first.name} and {second.name}"
    if joined[0] == joined[1]:
        return Severity.MAJOR, f"{pair} are one name: keep one of them."
    if definitions[0] and definitions[0] == definitions[1]:
        return Severity.MAJOR, f"{pair} have the same definition: keep one, or tell them apart."
    if fuzz.ratio(*joined) >= NEAR_NAMES or fuzz.token_sort_ratio(*names) >= NEAR_NAMES:
        return Severity.MINOR, f"{pair} are nearly one name: merge them, or name the difference."
    if all(definitions) and fuzz.ratio(*definitions) >= NEAR_DEFINITIONS:
        return Severity.MINOR, f"{pair} are defined in nearly the same words: tell them apart."
    return None


def _finding(code: FindingCode, severity: Severity, spec: ClassSpec, message: str) -> Finding:
    return Finding(code=code, severity=severity, raised_by="lint", class_name=spec.name, message=message)


def _words(name: str) -> list[str]:
    """The words of a CapWords or snake_case name, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def _singular(word: str) -> str:
    """Fold a regular English plural; good enough to compare names."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
