"""Processes that train together, as `accelerate launch` or torchrun start them: one for each device.

    accelerate launch --num_processes 2 -m guidex train RUN

Each has a rank; the first one writes and speaks, and all take the same steps.
"""

from __future__ import annotations

import os

import torch.distributed


def rank() -> int:
    """The rank of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def device() -> int:
    """Number of the GPU of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def any_of_all(mine: bool) -> bool:
    """Whether it holds in any process: all must stop at the same step, or they would wait for each other."""
    if not torch.distributed.is_initialized():
        return mine
    said: list[bool] = [False] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(said, mine)
    return any(said)
