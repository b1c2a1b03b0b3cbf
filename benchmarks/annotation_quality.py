"""Annotation against gold, without training: what the agents add to simpler methods (experiment A).

    python benchmarks/annotation_quality.py --crossner ../crossner --model local/qwen.gguf
    python benchmarks/annotation_quality.py ... --method agents --sentences 9   one method, fewer sentences
    python benchmarks/annotation_quality.py ... --report                        only compare what there is

Sentences of CrossNER are annotated by each method, in mode `given` with the names of the domain's classes and
nothing else, and compared with gold (`guidex quality`'s measures, pooled over the domains). Every method is a
run of its own for each domain, so that the script can be stopped and started again: it goes on where it was.
Methods get about the same number of generated tokens: `--samples` of self-consistency is set so that it takes
what the agents take; the table says what each took.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tomli_w
from crossner import Domain, draw
from stages import stages

from finetune.gold import read_gold
from finetune.scoring.models import Figure
from graph.quality import QualityReport, Settings, measure, read_results
from graph.quality.results import RunResults
from graph.store.opening import holds_run
from graph.store.reading import RunReader
from schemas.methods import Method

DOMAINS = ("ai", "music", "politics")

SHOWN = {
    "coverage": "coverage",
    "strict.precision": "P",
    "strict.recall": "R",
    "strict.f1": "F1",
    "gollie.f1": "F1 GoLLIE",
    "strict.f1_all": "F1 of all",
    "exact": "exact",
    "generated": "generated",
    "uncached": "uncached",
    "generated_per_correct": "tokens / correct",
}
"""Figures of the table, with their headings; `graph.quality.figures` defines them."""

SMALL_MODEL = {
    "rounds": 2,
    "annotators": [
        {"form": "in-order"},
        {"form": "in-order", "class_order": "reversed", "temperature": 0.3},
    ],
    "thresholds": {"agreement": 0.4, "faithfulness": 0.4, "completeness": 0.4},
    "pilot": {"refine": False},
}
"""What differs from the defaults, which are made for large models. Controls work with the first annotator."""

COVERAGES = (50, 60, 70, 80, 90, 100)


def job_of(domain: Domain, documents: Path, method: Method, model: str, samples: int, seed: int) -> str:
    """The job of a method on a domain, as TOML."""
    schema = documents.with_name("schema.json")
    schema.write_text(json.dumps(list(domain.classes)), encoding="utf-8")
    job = {
        "mode": "given",
        "method": method.value,
        "schema_file": schema.name,
        "seed": seed,
        "documents": {"paths": [documents.name]},
        # A linear conversation repeats all that was said.
        "model": {"name": model, "context": 4096 if method is Method.LINEAR else 2048},
        "self_consistency": {"samples": samples},
        **SMALL_MODEL,
    }
    return tomli_w.dumps(job)


def annotate(domain: Domain, method: Method, options: argparse.Namespace) -> Path:
    """Run a method on a domain, or go on with its run; the run's folder."""
    folder = options.into / domain.name
    documents, _ = domain.write(folder)
    job = folder / f"{method}.toml"
    job.write_text(
        job_of(domain, documents, method, options.model, options.samples, options.seed), encoding="utf-8"
    )
    name = f"{domain.name}-{method}"
    command = [sys.executable, "-m", "guidex", "run", str(job), "--name", name]
    command += ["--runs-dir", str(options.into / "runs"), "--display", "plain"]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"{name} did not come to its end; start the same command again to go on")
    return Path(options.into / "runs" / name)


def results_of(method: Method, options: argparse.Namespace, golds: Sequence[Path]) -> RunResults | None:
    """What a method made of all domains, as if it were one run; None if it has not begun on all of them."""
    gold = read_gold(golds)
    parts = []
    for path in golds:
        folder = options.into / "runs" / f"{path.parent.name}-{method}"
        if not holds_run(folder):
            return None
        with RunReader(folder) as reader:
            parts.append(read_results(reader, gold))
    documents = {place: result for part in parts for place, result in part.documents.items()}
    return RunResults(
        name=method.value,
        documents=documents,
        classes=tuple(dict.fromkeys(name for part in parts for name in part.classes)),
        without_gold=(),
        shared=tuple(
            sum(part.shared[n] * len(part.documents) for part in parts) / len(documents) for n in range(3)
        ),  # type: ignore[arg-type]
        from_elsewhere=sum(part.from_elsewhere for part in parts),
    )


def compare(options: argparse.Namespace, names: Sequence[str]) -> QualityReport | None:
    """Compare the methods on the sentences that all of them have, pooled over domains."""
    golds = [options.into / name / "gold.jsonl" for name in names]
    runs = [results_of(method, options, golds) for method in options.method or list(Method)]
    begun = [run for run in runs if run is not None and run.documents]
    if not begun:
        return None
    return measure(begun, read_gold(golds), [str(path) for path in golds], Settings(seed=options.seed))


def table(report: QualityReport) -> Iterator[str]:
    """The figures and what is behind them, in Markdown."""
    yield f"{report.compared} sentences; 95% intervals from {report.samples} bootstrap resamples"
    yield ""
    yield f"| method | {' | '.join(SHOWN.values())} |"
    yield "|---" * (len(SHOWN) + 1) + "|"
    for run in report.runs:
        yield f"| {run.run} | {' | '.join(_shown(run.figures[name]) for name in SHOWN)} |"
    for ranking in ("agreement", "faithfulness", "mean"):
        yield ""
        yield f"F1 of the documents ranked highest by {ranking}, by coverage in percent; area under the curve"
        yield ""
        yield f"| method | {' | '.join(map(str, COVERAGES))} | AURC |"
        yield "|---" * (len(COVERAGES) + 2) + "|"
        for run in report.runs:
            ranked = run.rankings[ranking]
            cells = [_shown(ranked.f1_at[str(coverage)]) for coverage in COVERAGES]
            yield f"| {run.run} | {' | '.join([*cells, _shown(ranked.aurc)])} |"
    yield ""
    yield "| | strict F1 less that of | difference | same sign |"
    yield "|---|---|---|---|"
    for pair in report.differences:
        made = pair.figures["strict.f1"]
        yield f"| {pair.run} | {pair.against} | {_shown(made)} | {made.same_sign} |"


def _shown(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    places = 0 if abs(figure.value) >= 10 else 3
    if figure.low is None or figure.high is None:
        return f"{figure.value:.{places}f}"
    return f"{figure.value:.{places}f} ({figure.low:.{places}f} to {figure.high:.{places}f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Annotate and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--crossner", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--model", required=True, help="as in a job file")
    parser.add_argument("--into", type=Path, default=Path("runs/annotation-quality"), help="work folder")
    parser.add_argument("--domain", action="append", help=f"default: {', '.join(DOMAINS)}")
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--sentences", type=int, default=34, help="of each domain")
    parser.add_argument("--samples", type=int, default=3, help="of self-consistency")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--method", action="append", type=Method, choices=list(Method), help="default: all")
    parser.add_argument("--report", action="store_true", help="call no model, compare what there is")
    options = parser.parse_args(arguments)
    names = options.domain or DOMAINS
    for name in names if not options.report else ():
        domain = draw(options.crossner, name, options.split, options.sentences, options.seed)
        for method in options.method or list(Method):
            annotate(domain, method, options)
    report = compare(options, names)
    if report is None:
        sys.exit("no method has begun on all domains")
    (options.into / "report.json").write_text(report.model_dump_json(indent=2), encoding="utf-8")
    print("\n".join(table(report)))
    runs = [options.into / "runs" / f"{name}-{Method.AGENTS}" for name in names]
    if all(map(holds_run, runs)):
        print("\nThe agents, stage by stage\n")
        print("\n".join(stages(runs, [options.into / name / "gold.jsonl" for name in names])))


if __name__ == "__main__":
    main()
