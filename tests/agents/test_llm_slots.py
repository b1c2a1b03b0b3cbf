"""Slots: never more in use than there are, none lost, none handed out of order, however many come and go."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import simulate

from agents.llm.slots import Slots

ACTIONS = st.one_of(
    st.tuples(st.just("take"), st.booleans()),
    st.tuples(st.just("give back"), st.integers(0, 30)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("resize"), st.integers(1, 6)),
    st.tuples(st.sampled_from(["hold back", "go on", "step"]), st.none()),
)


@given(st.lists(ACTIONS, max_size=60), st.integers(1, 6))
@settings(max_examples=300, deadline=None)
def test_slots_are_conserved_whatever_happens(actions: list[tuple[str, int]], size: int) -> None:
    async def play() -> None:
        slots, tasks, most = Slots(size), [], size
        holders: set[asyncio.Task[None]] = set()
        leave: dict[asyncio.Task[None], asyncio.Event] = {}

        async def hold(first: bool, done: asyncio.Event) -> None:
            assert await slots.take(first=first)
            task = asyncio.current_task()
            assert task is not None
            holders.add(task)
            try:
                await done.wait()
            finally:
                holders.discard(task)
                slots.give_back()

        for action, argument in actions:
            if action == "take":
                done = asyncio.Event()
                task = asyncio.create_task(hold(bool(argument), done))
                tasks.append(task)
                leave[task] = done
            elif action == "give back" and tasks:
                leave[tasks[argument % len(tasks)]].set()
            elif action == "cancel" and tasks:
                tasks[argument % len(tasks)].cancel()
            elif action == "resize":
                slots.resize(argument)
                most = max(most, argument)
            elif action in ("hold back", "go on"):
                (slots.go_on if action == "go on" else slots.hold_back)()
            else:
                await asyncio.sleep(0)
            assert len(holders) <= slots.in_use <= most
        # No wake-up is lost: whoever still wants a slot gets one, and all come back.
        slots.go_on()
        for done in leave.values():
            done.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ended} <= {type(None), asyncio.CancelledError}
        assert slots.in_use == 0 and not holders
        assert all(await asyncio.gather(*(slots.take() for _ in range(slots.size))))

    simulate(play())


async def waiting(slots: Slots, names: str, order: list[str]) -> list[asyncio.Task[None]]:
    async def wait(name: str) -> None:
        if await slots.take(first=name.isupper()):
            order.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_slots_go_to_who_came_first_and_repetitions_before_all() -> None:
    slots, order = Slots(1), []
    assert await slots.take()
    tasks = await waiting(slots, "abAcd", order)
    tasks[1].cancel()
    for _ in range(4):
        slots.give_back()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert order == ["A", "a", "c", "d"]


async def test_none_is_handed_out_while_they_are_held_back() -> None:
    slots, order = Slots(2), []
    slots.hold_back()
    tasks = await waiting(slots, "ab", order)
    slots.resize(3)
    await asyncio.sleep(0)
    assert order == [] and slots.in_use == 0
    slots.go_on()
    await asyncio.gather(*tasks)
    assert order == ["a", "b"] and slots.in_use == 2


async def test_shrinking_takes_nothing_away_and_growing_serves_who_waits() -> None:
    slots, order = Slots(3), []
    assert all([await slots.take() for _ in range(3)])
    slots.resize(1)
    tasks = await waiting(slots, "a", order)
    for left in (2, 1):
        slots.give_back()
        await asyncio.sleep(0)
        assert (slots.in_use, order) == (left, [])
    slots.resize(2)
    await asyncio.gather(*tasks)
    assert order == ["a"] and slots.in_use == 2


async def test_after_the_end_everybody_is_turned_away() -> None:
    slots, order = Slots(1), []
    assert await slots.take()
    tasks = await waiting(slots, "ab", order)
    slots.close()
    await asyncio.gather(*tasks)
    assert order == [] and not await slots.take()
    slots.give_back()
    assert slots.in_use == 0
