"""Choosing among routes: the best combination there is, never worse than the incumbent, in time."""

import random
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.engines.partition import MOST_COLUMNS, choose
from scheduler.limits import Limit

VISITS, SHIFTS = 6, 3


def limit(seconds=None, iterations=20, should_stop=None):
    return Limit(
        seconds=seconds, iterations=None if seconds is not None else iterations, should_stop=should_stop
    )


def worth(columns, losses):
    """Losses by level, then cost, counted by hand."""
    served = [visit for _, visits, _ in columns for visit in visits]
    left = [loss for visit, loss in enumerate(losses) if visit not in served]
    return *(sum(loss[level] for loss in left) for level in range(len(losses[0]))), sum(
        c for _, _, c in columns
    )


def legal(columns, kinds=None):
    """Whether each shift has one route and each visit is on one."""
    served = [visit for _, visits, _ in columns for visit in visits]
    shifts = [shift for shift, _, _ in columns]
    return len(served) == len(set(served)) and len(shifts) == len(set(shifts))


def best_of_all(pool, losses, kinds):
    """The least worth of all ways to give each shift a route of its kind, or none."""
    options = [
        [None, *(column for column in pool if kinds[column[0]] == kinds[shift])] for shift in range(SHIFTS)
    ]
    found = []
    for picked in product(*options):
        columns = [(shift, c[1], c[2]) for shift, c in enumerate(picked) if c is not None]
        if legal(columns):
            found.append(worth(columns, losses))
    return min(found)


columns = st.tuples(
    st.integers(0, SHIFTS - 1),
    st.lists(st.integers(0, VISITS - 1), min_size=1, max_size=4, unique=True).map(tuple),
    st.integers(-50, 900),
)
losses = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9)), min_size=VISITS, max_size=VISITS)


@settings(max_examples=80, deadline=None)
@given(st.lists(columns, max_size=9), losses, st.sampled_from([(0, 1, 2), (0, 0, 1), (0, 0, 0)]))
def test_choice_equals_brute_force(pool, losses, kinds):
    """Promised before weight before cost, shifts of one kind exchangeable: as good as trying everything."""
    chosen = choose(pool, (), losses, limit=limit(), kinds=kinds)
    assert chosen.proved
    assert legal(chosen.columns)
    assert worth(chosen.columns, losses) == best_of_all(pool, losses, kinds)
    offered = {(kinds[shift], visits, cost) for shift, visits, cost in pool}
    assert {(kinds[shift], visits, cost) for shift, visits, cost in chosen.columns} <= offered


@settings(max_examples=40, deadline=None)
@given(st.lists(columns, max_size=9), st.lists(columns, max_size=3), losses)
def test_never_worse_than_the_incumbent(pool, incumbent, losses):
    """Whatever the pool, the incumbent is the least that comes out, also when there is no time at all."""
    started = []
    for column in incumbent:
        if legal([*started, column]):
            started.append(column)
    for bound in (limit(), limit(seconds=1e-6)):
        chosen = choose(pool, started, losses, limit=bound).columns
        assert legal(chosen)
        assert worth(chosen, losses) <= worth(started, losses)


def town(visits=60, shifts=10, extra=MOST_COLUMNS + 2000, decoys=0):
    """A plan of all visits, hidden among dearer routes and cheaper ones of which only one can be taken."""
    chance = random.Random(1)
    order = chance.sample(range(visits), visits)
    size = visits // shifts
    hidden = [(s, tuple(order[s * size : (s + 1) * size]), 100) for s in range(shifts)]
    pool = [
        (chance.randrange(shifts), tuple(chance.sample(range(visits), chance.randint(3, 7))), cost)
        for cost in (chance.randint(150, 400) for _ in range(extra))
    ]
    for _ in range(decoys):
        others = chance.sample(range(1, visits), 6)
        pool.append((chance.randrange(shifts), (0, *others), chance.randint(1, 50)))
    return chance.sample([*pool, *hidden], len(pool) + shifts), hidden, [(0, 5)] * visits


def test_the_relaxation_finds_the_good_ones_in_a_large_pool():
    """A plan is found although more routes than CP-SAT gets are cheaper, each alone, than its own."""
    pool, hidden, losses = town(decoys=MOST_COLUMNS)
    assert sum(cost < 100 for _, _, cost in pool) >= MOST_COLUMNS
    chosen = choose(pool, [pool[0]], losses, limit=limit(iterations=60))
    assert worth(chosen.columns, losses) == worth(hidden, losses)


@pytest.mark.alone
@pytest.mark.parametrize(("seconds", "asked"), [(0.5, 60), (60, 0.5)])
def test_time_is_kept_and_somebody_can_stop_it(seconds, asked):
    """Back soon after the seconds, and soon after being asked; with what it had by then."""
    pool, _, losses = town(visits=200, shifts=20, extra=40_000)
    began = time.monotonic()
    bound = limit(seconds=seconds, should_stop=lambda: time.monotonic() > began + asked)
    chosen = choose(pool, (), losses, limit=bound)
    assert time.monotonic() - began < 1.5
    assert legal(chosen.columns)
    assert not chosen.proved


def test_same_input_same_choice():
    """With iterations instead of seconds nothing depends on the clock."""
    pool, _, losses = town()
    first, second = (choose(pool, (), losses, limit=limit(iterations=5)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("cost", [10**6, 10**9])
def test_large_numbers_stay_in_order(cost):
    """Where costs and weights are too large for one sum, the more important still comes first."""
    losses = [(1, 1), *[(0, 1_000_000)] * 1000]
    pool = [(0, (0,), cost), (0, tuple(range(1, 1001)), 1), (0, (0, 1), cost + cost // 10)]
    chosen = choose(pool, [pool[1]], losses, limit=limit())
    assert chosen.columns == (pool[2],)
