"""Threads of torch on processors."""

from __future__ import annotations

import os

from agents.llm.local import wanted_threads

# OpenMP's threads wait for each other by spinning, for which another busy process makes them pay dearly:
# beside one, two spinning threads trained 23 tokens/s and one 107. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def use_threads() -> int:
    """Use `GUIDEX_THREADS` threads, where that is set, else as many as torch thinks fit; how many there are.

    Raises:
        UsageError: `GUIDEX_THREADS` is no whole number above 0.
    """
    import torch

    wanted = wanted_threads()
    if wanted is not None:
        torch.set_num_threads(wanted)
    return torch.get_num_threads()
