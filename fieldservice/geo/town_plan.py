"""The plan of the synthetic town on squared paper: streets, areas, houses; in metres from its centre."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from fieldservice.geo.town_names import street_names

HALF_WIDTH_M, HALF_HEIGHT_M = 6000, 4500
ARTERIAL_EVERY = 5
RIVER_HALF_WIDTH_M = 40
MIDWAY_FROM_M = 180
LOT_M = 24
SETBACK_M = 19

type Point = tuple[float, float]
type Corner = tuple[int, int]
"""Column and row of a crossing."""


@dataclass(frozen=True, slots=True)
class Street:
    """One named run of road through consecutive crossings."""

    name: str
    kind: str
    corners: tuple[Corner, ...]


@dataclass(frozen=True, slots=True)
class Lot:
    """A house: its address (which the plan may leave off the map), where it stands, its size."""

    number: str
    street: str
    centre: Point
    along: Point
    half_width: float
    half_depth: float

    @property
    def postcode(self) -> str:
        """One for each quarter of the town."""
        return f"2199{1 + (self.centre[0] > 0) + 2 * (self.centre[1] > 0)}"

    @property
    def outline(self) -> list[Point]:
        """The four corners; `along` is the direction of the street."""
        (x, y), (dx, dy) = self.centre, self.along
        width, depth = self.half_width, self.half_depth
        turns = ((-width, -depth), (width, -depth), (width, depth), (-width, depth))
        return [(x + dx * a - dy * b, y + dy * a + dx * b) for a, b in turns]


@dataclass(slots=True)
class TownPlan:
    """Everything that is drawn; `midways` are the points that make long blocks look curved."""

    crossings: dict[Corner, Point] = field(default_factory=dict)
    midways: dict[tuple[Corner, Corner], Point] = field(default_factory=dict)
    streets: list[Street] = field(default_factory=list)
    areas: list[tuple[str, list[Point]]] = field(default_factory=list)
    river: list[Point] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    unnumbered: list[Lot] = field(default_factory=list)


def bend(x: float, y: float) -> Point:
    """Where a point of the squared paper lies in the town: smooth curves instead of straight lines."""
    return (
        x + 190 * math.sin(y / 1450 + 0.6) + 45 * math.sin(y / 420) * math.cos(x / 900),
        y + 210 * math.sin(x / 1750) + 40 * math.sin(x / 510 + 1) * math.cos(y / 800),
    )


def river_y(x: float) -> float:
    """The middle of the river at `x`, on the squared paper."""
    return -1250 + 520 * math.sin(x / 2100 + 0.8) - 0.09 * x


def _lines(half: float) -> list[float]:
    """Positions of the parallel streets: close together in the centre, far apart outside."""
    positions = [0.0]
    while positions[-1] < half:
        positions.append(positions[-1] + 125 + 0.052 * positions[-1])
    return [-position for position in reversed(positions[1:])] + positions


class Surveyor:
    """Draws a plan; the same seed draws the same town."""

    def __init__(self, seed: int, houses: int) -> None:
        self._random = Random(seed)
        self._houses = houses
        self._names = street_names(self._random)
        self._xs, self._ys = _lines(HALF_WIDTH_M), _lines(HALF_HEIGHT_M)
        self._middle = len(self._xs) // 2, len(self._ys) // 2
        self._blocks = self._zone()
        self.plan = TownPlan()

    def draw(self) -> TownPlan:
        """The whole town."""
        kept = self._connected(set(self._edges()))
        corners = sorted({corner for edge in kept for corner in edge})
        self.plan.crossings = {(i, j): bend(self._xs[i], self._ys[j]) for i, j in corners}
        self.plan.midways = {edge: self._midway(edge) for edge in kept if self._length(edge) > MIDWAY_FROM_M}
        self.plan.streets = list(self._streets(kept))
        self.plan.areas = list(self._areas())
        self.plan.river = self._river()
        self._build()
        return self.plan

    def _length(self, edge: tuple[Corner, Corner]) -> float:
        (i, j), (k, m) = edge
        return self._xs[k] - self._xs[i] + self._ys[m] - self._ys[j]

    def _midway(self, edge: tuple[Corner, Corner]) -> Point:
        (i, j), (k, m) = edge
        return bend((self._xs[i] + self._xs[k]) / 2, (self._ys[j] + self._ys[m]) / 2)

    def kind(self, *, column: int | None = None, row: int | None = None) -> str:
        """The rank of the street along a whole column or row of the paper."""
        line, middle = (column, self._middle[0]) if column is not None else (row, self._middle[1])
        assert line is not None
        if row is not None and line == middle + 2 * ARTERIAL_EVERY:
            return "trunk"
        if line == middle:
            return "primary"
        return "secondary" if (line - middle) % ARTERIAL_EVERY == 0 else "residential"

    def _edge_kind(self, edge: tuple[Corner, Corner]) -> str:
        (i, j), (k, _) = edge
        return self.kind(column=i) if i == k else self.kind(row=j)

    def _block(self, x: float, y: float) -> Corner:
        """The superblock (between arterials) a point of the paper lies in."""
        column = sum(1 for position in self._arterials(self._xs, 0) if position <= x)
        return column, sum(1 for position in self._arterials(self._ys, 1) if position <= y)

    def _arterials(self, positions: Sequence[float], axis: int) -> list[float]:
        middle = self._middle[axis]
        return [at for line, at in enumerate(positions) if (line - middle) % ARTERIAL_EVERY == 0]

    def _zone(self) -> dict[Corner, str]:
        """What each superblock is used for; the further out, the greener."""
        columns, rows = self._arterials(self._xs, 0), self._arterials(self._ys, 1)
        zones = {}
        for i, (left, right) in enumerate(pairwise(columns), start=1):
            for j, (low, high) in enumerate(pairwise(rows), start=1):
                distance = math.hypot((left + right) / 2, (low + high) / 2)
                draw = self._random.random()
                if distance < 600:
                    zones[i, j] = "retail"
                elif draw < 0.09:
                    zones[i, j] = "park"
                elif distance > 3800 and draw < 0.55:
                    zones[i, j] = "forest" if draw < 0.28 else "farmland"
                else:
                    zones[i, j] = "industrial" if distance > 2200 and draw > 0.93 else "residential"
        return zones

    def _edges(self) -> Iterator[tuple[Corner, Corner]]:
        """Every piece of street between two neighbouring crossings that the town builds."""
        for i in range(len(self._xs)):
            for j in range(len(self._ys)):
                for k, m in ((i + 1, j), (i, j + 1)):
                    if k < len(self._xs) and m < len(self._ys) and self._built(((i, j), (k, m))):
                        yield (i, j), (k, m)

    def _built(self, edge: tuple[Corner, Corner]) -> bool:
        if self._edge_kind(edge) != "residential":
            return True
        (i, j), (k, m) = edge
        if "trunk" in (self.kind(row=j), self.kind(row=m)):
            return False  # side streets end before the expressway
        x0, y0, x1, y1 = self._xs[i], self._ys[j], self._xs[k], self._ys[m]
        banks = (y0 - river_y(x0), y1 - river_y(x1))
        if min(map(abs, banks)) < RIVER_HALF_WIDTH_M + 25 or banks[0] * banks[1] < 0:
            return False  # only arterials have bridges
        zone = self._blocks.get(self._block((x0 + x1) / 2, (y0 + y1) / 2), "farmland")
        chance = {"park": 0.0, "forest": 0.08, "farmland": 0.25, "industrial": 0.6, "retail": 0.97}
        return self._random.random() < chance.get(zone, 0.9)

    @staticmethod
    def _connected(edges: set[tuple[Corner, Corner]]) -> set[tuple[Corner, Corner]]:
        """The edges of the largest connected piece."""
        near: defaultdict[Corner, list[Corner]] = defaultdict(list)
        for start, end in edges:
            near[start].append(end)
            near[end].append(start)
        best: set[Corner] = set()
        unseen = set(near)
        while unseen:
            piece, front = set(), [unseen.pop()]
            while front:
                corner = front.pop()
                piece.add(corner)
                front.extend(other for other in near[corner] if other not in piece)
            unseen -= piece
            best = max(best, piece, key=len)
        return {edge for edge in edges if edge[0] in best}

    def _streets(self, edges: set[tuple[Corner, Corner]]) -> Iterator[Street]:
        """Name the runs: an arterial is one street, a side street changes its name at each arterial."""
        columns = [[(i, j) for j in range(len(self._ys))] for i in range(len(self._xs))]
        rows = [[(i, j) for i in range(len(self._xs))] for j in range(len(self._ys))]
        for line in columns + rows:
            kind = self._edge_kind((line[0], line[1]))
            name = ""
            run: list[Corner] = []
            for edge in pairwise(line):
                if edge in edges:
                    name = name or next(self._names)
                    run = run or [edge[0]]
                    run.append(edge[1])
                ends_here = self._ends_name(edge, kind)
                if run and (edge not in edges or ends_here):
                    yield Street(name, kind, tuple(run))
                    run = []
                name = "" if ends_here else name
            if run:
                yield Street(name, kind, tuple(run))

    def _ends_name(self, edge: tuple[Corner, Corner], kind: str) -> bool:
        (i, _), (k, m) = edge
        crossed = self.kind(row=m) if i == k else self.kind(column=k)
        return kind == "residential" and crossed != "residential"

    def _areas(self) -> Iterator[tuple[str, list[Point]]]:
        """Outlines of the superblocks by use, along their bent streets, and a pond in each park."""
        columns, rows = self._arterials(self._xs, 0), self._arterials(self._ys, 1)
        for (i, j), zone in sorted(self._blocks.items()):
            x0, x1, y0, y1 = columns[i - 1], columns[i], rows[j - 1], rows[j]
            steps = [step / 8 for step in range(8)]
            sides = [(x0 + (x1 - x0) * step, y0) for step in steps]
            sides += [(x1, y0 + (y1 - y0) * step) for step in steps]
            sides += [(x1 - (x1 - x0) * step, y1) for step in steps]
            sides += [(x0, y1 - (y1 - y0) * step) for step in steps]
            yield zone, [bend(x, y) for x, y in sides]
            if zone == "park" and not y0 - 300 < river_y((x0 + x1) / 2) < y1 + 300:
                x, y = bend((x0 + x1) / 2, (y0 + y1) / 2)
                yield "water", self._pond(x, y, min(x1 - x0, y1 - y0) / 5)

    def _pond(self, x: float, y: float, radius: float) -> list[Point]:
        phase = self._random.uniform(0, math.tau)
        angles = [math.tau * step / 28 for step in range(28)]
        radii = [radius * (1 + 0.25 * math.sin(2 * a + phase) + 0.1 * math.sin(5 * a)) for a in angles]
        return [
            (x + 1.3 * r * math.cos(a), y + 0.8 * r * math.sin(a)) for a, r in zip(angles, radii, strict=True)
        ]

    def _river(self) -> list[Point]:
        xs = range(-HALF_WIDTH_M - 300, HALF_WIDTH_M + 301, 150)
        south = [bend(x, river_y(x) - RIVER_HALF_WIDTH_M) for x in xs]
        return south + [bend(x, river_y(x) + RIVER_HALF_WIDTH_M) for x in reversed(xs)]

    def _build(self) -> None:
        """Build twice as many houses as are numbered, the nearer to the centre the denser."""
        candidates: list[tuple[float, int, Lot]] = []
        numbers: defaultdict[str, int] = defaultdict(lambda: 100)
        for street in self.plan.streets:
            if street.kind == "trunk":
                continue
            for edge in pairwise(street.corners):
                block = self._random.random()
                for lot in self._edge_lots(street, edge, numbers[street.name]):
                    # houses come in rows: most of the luck is the block's
                    luck = 0.7 * block + 0.3 * self._random.random()
                    chance = math.exp(-math.hypot(*lot.centre) / 2900)
                    candidates.append((luck ** (1 / chance), len(candidates), lot))
                numbers[street.name] += 100
        built = sorted(candidates, reverse=True)[: 2 * self._houses]
        lots = [lot for _, _, lot in sorted(built, key=lambda item: item[1])]
        numbered = set(self._random.sample(range(len(lots)), min(self._houses, len(lots))))
        self.plan.lots = [lot for place, lot in enumerate(lots) if place in numbered]
        self.plan.unnumbered = [lot for place, lot in enumerate(lots) if place not in numbered]

    def _edge_lots(self, street: Street, edge: tuple[Corner, Corner], base: int) -> Iterator[Lot]:
        (x0, y0), (x1, y1) = (self.plan.crossings[corner] for corner in edge)
        length = math.hypot(x1 - x0, y1 - y0)
        along = ((x1 - x0) / length, (y1 - y0) / length)
        for place in range(int((length - 60) / LOT_M)):
            offset = 42 + place * LOT_M
            for side in (1, -1):
                across = (-along[1] * side, along[0] * side)
                centre = (
                    x0 + along[0] * offset + across[0] * SETBACK_M,
                    y0 + along[1] * offset + across[1] * SETBACK_M,
                )
                if self._dry(centre):
                    size = self._random.uniform(6.5, 11), self._random.uniform(5, 9)
                    number = str(base + 2 * place + (1 if side == 1 else 2))
                    yield Lot(number, street.name, centre, along, *size)

    @staticmethod
    def _dry(centre: Point) -> bool:
        x, y = centre
        bank = bend(x, river_y(x))[1]
        return abs(y - bank) > RIVER_HALF_WIDTH_M + 60
