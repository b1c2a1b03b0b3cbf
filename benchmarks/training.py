"""Throughput and memory of training, beside TRL's SFTTrainer as it is, each measure switched on by itself.

    python -m benchmarks.training --rounds 2 --steps 2

All contenders train the same adapter of the same base on the same examples with the same loss (the mean over
result tokens and the end; tests/finetune/test_training.py holds that to the plain one), in a process of their
own, so that the peak of its memory is its own. Padding is not counted: tokens are those of examples. Every
round runs all contenders one after the other, so that what else the machine does falls on all of them; the
first step of each, in which memory is laid out, is left out, and the median of the others is compared. Beside
other work, tokens for a second of processor time say more than those for a second of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

BENCHMARK = Path(__file__).parents[1] / "examples" / "benchmark"
DOMAINS = ("astronomy", "gardening", "railways")
GIBIBYTE = 1 << 30


class Contender(NamedTuple):
    """What is switched on.

    Attributes:
        packing: Whole examples fill a pass; else four of any length are padded to the longest.
        few_logits: Logits where there is a label; else TRL's own loss, which on processors scores all.
        bf16: Weights and products in bfloat16; else fp32.
        mixed: Products in bfloat16, weights in fp32.
        checkpointing: Activations are computed again.
        threads: Of torch.
    """

    packing: bool = False
    few_logits: bool = False
    bf16: bool = False
    mixed: bool = False
    checkpointing: bool = False
    threads: int = 1


CONTENDERS = {
    "SFTTrainer, fp32": Contender(),
    "all three": Contender(packing=True, few_logits=True, bf16=True),
    "+ packing": Contender(packing=True),
    "+ few logits": Contender(few_logits=True),
    "+ bf16": Contender(bf16=True),
    "SFTTrainer, TRL's defaults": Contender(mixed=True, checkpointing=True),
    "all three, 2 threads": Contender(packing=True, few_logits=True, bf16=True, threads=2),
}
PLAIN = "SFTTrainer, fp32"


def passes_of(contender: Contender, encoder: Any, config: Any) -> list[Any]:
    """The examples of the bundled benchmark as passes."""
    from finetune.examples import build_examples
    from finetune.examples.gold import gold_sources
    from finetune.gold import read_gold
    from finetune.training.encoding import Pass, grouped
    from guidex.given_schemas import load_schema

    sources = [
        one
        for domain in DOMAINS
        for one in gold_sources(
            read_gold([BENCHMARK / f"{domain}.jsonl"]),
            load_schema(BENCHMARK / "schemas" / f"{domain}.json").annotation_schema,
        )
    ]
    examples = build_examples(sources, config.examples, seed=0, count_tokens=encoder.count)
    encoded = [encoder.encode(each) for each in examples.epoch(0)]
    if contender.packing:
        made = grouped(encoded, config.training.batch_tokens, padded=False)
        random.Random(0).shuffle(made)
        return made
    fours = [encoded[first : first + 4] for first in range(0, len(encoded) - 3, 4)]
    return [
        Pass(
            [token for each in four for token in each.tokens],
            [label for each in four for label in each.labels],
            [len(each.tokens) for each in four],
        )
        for four in fours
    ]


def contend(contender: Contender, steps: int) -> dict[str, Any]:
    """Train some steps in this process."""
    import torch
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from finetune.training.bases import load_base
    from finetune.training.encoding import Encoder
    from finetune.training.trainer import PassCollator, ResultTrainer, dataset_of
    from finetune.training.training import quieten
    from guidex.recipes import load_recipe

    torch.set_num_threads(contender.threads)
    quieten()
    recipe, _ = load_recipe("small-cpu")
    base = load_base(recipe.training.base, torch.bfloat16 if contender.bf16 else torch.float32)
    passes = passes_of(contender, Encoder(base.tokenizer), recipe)[: steps + 1]
    ends: list[tuple[float, float]] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append((time.monotonic(), time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            per_device_train_batch_size=1,
            max_steps=steps + 1,
            train_sampling_strategy="sequential",
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,
            max_length=None,
            activation_checkpointing=contender.checkpointing,
            gradient_checkpointing=contender.checkpointing,
            bf16=contender.bf16 or contender.mixed,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        kind = ResultTrainer if contender.few_logits else SFTTrainer
        trainer = kind(
            model=base.model,
            args=arguments,
            train_dataset=dataset_of(passes),
            data_collator=PassCollator(base.tokenizer.pad_token_id, packing=contender.packing),
            processing_class=base.tokenizer,
            peft_config=LoraConfig(
                r=recipe.training.rank,
                lora_alpha=recipe.training.alpha,
                target_modules="all-linear",
                task_type="CAUSAL_LM",
            ),
            callbacks=[Clock()],
        )
        trainer.train()
    rates = [
        [len(each.tokens) / (after - before) for before, after in zip(*step, strict=True)]
        for each, step in zip(passes[1:], pairwise(ends), strict=True)
    ]
    return {
        "rates": [clock for clock, _ in rates],
        "processor": [processor for _, processor in rates],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="times that all contenders run")
    parser.add_argument("--steps", type=int, default=2, help="steps that are measured of each run")
    parser.add_argument("--only", help="the contender to run in this process")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(contend(CONTENDERS[options.only], options.steps)))
        return
    rates, processor, peaks = defaultdict(list), defaultdict(list), defaultdict(list)
    for number in range(options.rounds):
        for name in CONTENDERS:
            command = [sys.executable, "-m", "benchmarks.training", "--only", name]
            environment = os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", "OMP_WAIT_POLICY": "PASSIVE"}
            done = subprocess.run(
                [*command, "--steps", str(options.steps)],
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            measured = json.loads(done.stdout.splitlines()[-1])
            rates[name] += measured["rates"]
            processor[name] += measured["processor"]
            peaks[name].append(measured["peak"])
            told = ", ".join(
                f"{rate:.0f} ({own:.0f})"
                for rate, own in zip(measured["rates"], measured["processor"], strict=True)
            )
            peak = measured["peak"] / GIBIBYTE
            print(f"{number} {name}: {told} tokens/s, {peak:.2f} GiB", file=sys.stderr, flush=True)
    plain, own = statistics.median(rates[PLAIN]), statistics.median(processor[PLAIN])
    print(f"{'':<28}{'tokens/s':>10}{'ratio':>8}{'per CPU s':>11}{'ratio':>8}{'peak GiB':>10}")
    for name in CONTENDERS:
        rate, each = statistics.median(rates[name]), statistics.median(processor[name])
        peak = max(peaks[name]) / GIBIBYTE
        print(f"{name:<28}{rate:>10.0f}{rate / plain:>8.2f}{each:>11.0f}{each / own:>8.2f}{peak:>10.2f}")


if __name__ == "__main__":
    main()
