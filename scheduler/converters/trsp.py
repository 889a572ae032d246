"""Technician routing and scheduling with skills, tools and parts: VRP-REP XML of Pillac, Guéret and Medaglia.

A driver with the vehicle compatible with him becomes a shift from and to the vehicle's node, with his skills,
the tools (renewable resources) of the vehicle and the spare parts it starts with. The node of type 0 is where
missing tools and parts are fetched. A request becomes a visit at its node.

The XML files have neither arrival windows nor service times: they are those of the Solomon file that an
instance was made from, and are read from it when it is given as second file; its customers must be the
requests, in the same order and places. Without it visits take no time and may start any time.

The objective is that of the article, the working time from leaving home to coming back: duration weighs 1 and
travel 0, whatever the costs in the file. A unit of distance or time takes `UNIT` seconds, to the nearest
second; the article does not round.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from scheduler.converters.solomon import Customer, read_customers, seconds
from scheduler.converters.source import Source, open_sources, rounded, unknown
from scheduler.json_fields import FormatError
from scheduler.model import Problem, Restock, Shift, Visit, Weights

UNIT = 1000
"""Seconds for each unit of time and distance."""
DEPOT = "0"
"""The type of the node where tools and parts are."""
VEHICLE_FIELDS = frozenset({"departure_node", "arrival_node", "fix_cost", "cost_x_distance", "resource"})
"""The costs are read by nobody: the objective is that of the article."""

Element = ElementTree.Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The nodes: their rows in the travel matrix by id, their points, and the rows of the depots."""

    rows: Mapping[str, int]
    points: Sequence[tuple[float, float]]
    depots: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What a request needs or a vehicle carries."""

    tools: frozenset[str]
    parts: Mapping[str, int]


def trsp(files: Sequence[Path]) -> Problem:
    """A problem from one VRP-REP file and, for its times, the Solomon file that it was made from.

    Raises
    ------
    FormatError
        With one line for each fault, naming the file and the element.
    """
    source, *times = open_sources(files, "a VRP-REP file", "a Solomon file", optional=1)
    root = _root(source)
    network = _network(source, root)
    requests = root.findall("requests/request")
    resources = {each.get("id", ""): each for each in root.iterfind("resources/resource")}
    visits = [_visit(source, each, network, resources) for each in requests]
    source.finish()
    travel = source.travel(network.points, rounded(UNIT))
    working_s = (0, (len(visits) + 2) * int(travel.max(initial=0)))
    if times:
        depot, *customers = _customers(
            times[0], [network.points[visit.location] for visit in visits if visit]
        )
        visits = [_timed(times[0], *pair) for pair in zip(visits, customers, strict=True)]
        working_s = seconds(depot.ready, UNIT), seconds(depot.due, UNIT)
        times[0].finish()
    shifts = _shifts(source, root, network, resources, working_s)
    restock = Restock(location=network.depots[0], service_s=0) if network.depots else None
    return source.problem(travel, visits, shifts, restock=restock, weights=Weights(travel=0.0, duration=1.0))


def _root(source: Source) -> Element:
    """The document; one with a document type is refused, because only that can declare entities."""
    root = None
    if "<!DOCTYPE" in source.text:
        source.fault("", "a document type is not allowed")
    else:
        try:
            root = ElementTree.fromstring(source.text)
        except ElementTree.ParseError as error:
            source.fault(f"line {error.position[0]}", "is not XML")
    if root is None or root.tag != "instance":
        source.fault("", "is not a VRP-REP instance")
        raise FormatError(source.faults)
    return root


def _known(source: Source, place: str, element: Element, tags: frozenset[str]) -> None:
    """A fault for each part of an element that would be lost."""
    unknown(source, place, {child.tag: child for child in element}, tags)


def _network(source: Source, root: Element) -> Network:
    rows: dict[str, int] = {}
    points = []
    depots = []
    for element in root.iterfind("network"):
        _known(source, "network", element, frozenset({"nodes", "euclidean", "decimals"}))
    if root.find("network/euclidean") is None:
        source.fault("network", "only euclidean distances are supported")
    for row, node in enumerate(root.iterfind("network/nodes/node")):
        name = node.get("id", "")
        place = f"node {name}"
        _known(source, place, node, frozenset({"cx", "cy"}))
        if rows.setdefault(name, row) != row:
            source.fault(place, "there are two of them")
        points.append((source.number(place, node.findtext("cx")), source.number(place, node.findtext("cy"))))
        depots += [row] if node.get("type") == DEPOT else []
    if len(depots) > 1:
        source.fault("network", "several depots (nodes of type 0) are not supported")
    return Network(rows=rows, points=points, depots=depots)


def _row(source: Source, place: str, network: Network, name: str | None) -> int:
    """The row of a node."""
    if name is None or name not in network.rows:
        source.fault(place, f"there is no node {name}")
        return 0
    return network.rows[name]


def _visit(
    source: Source, request: Element, network: Network, resources: Mapping[str, Element]
) -> Visit | None:
    place = f"request {request.get('id')}"
    _known(source, place, request, frozenset({"skill", "resource"}))
    needs = {each.get("id", ""): source.whole(place, each.text) for each in request.iterfind("resource")}
    goods = _goods(source, place, needs, resources)
    return source.make(
        place,
        Visit,
        id=request.get("id", ""),
        location=_row(source, place, network, request.get("node")),
        service_s=0,
        skills={f"skill-{(each.text or '').strip()}": 1 for each in request.iterfind("skill")},
        tools=goods.tools,
        parts=goods.parts,
    )


def _goods(source: Source, place: str, amounts: Mapping[str, int], resources: Mapping[str, Element]) -> Goods:
    """Resources under their names: one of each renewable one is a tool, the others are parts."""
    tools, parts = set(), {}
    for key, amount in amounts.items():
        resource = resources.get(key)
        if resource is None:
            source.fault(place, f"there is no resource {key}")
            continue
        name = resource.get("name", key)
        if resource.get("renewable") != "true":
            parts[name] = amount
        elif amount == 1:
            tools.add(name)
        else:
            source.fault(place, f"{amount} of tool {name} are not supported, only 1")
    return Goods(tools=frozenset(tools), parts=parts)


def _customers(source: Source, points: Sequence[tuple[float, float]]) -> list[Customer]:
    """The rows of the Solomon file, the depot first; a fault for each customer who is not the request."""
    customers = read_customers(source)
    if len(customers) != len(points) + 1:
        source.fault("", f"has {len(customers) - 1} customers for {len(points)} requests")
    for customer, point in zip(customers[1:], points, strict=False):
        if customer.point != point:
            source.fault(customer.place, f"the request is at {point}, not at {customer.point}")
    source.finish()
    return customers


def _timed(source: Source, visit: Visit | None, customer: Customer) -> Visit | None:
    """The visit with the window and the service time of a Solomon file."""
    window = (seconds(customer.ready, UNIT), seconds(customer.due, UNIT))
    service_s = seconds(customer.service, UNIT)
    return visit and source.make(
        customer.place, lambda: replace(visit, service_s=service_s, windows=(window,))
    )


def _shifts(
    source: Source,
    root: Element,
    network: Network,
    resources: Mapping[str, Element],
    working_s: tuple[int, int],
) -> list[Shift | None]:
    """One shift for each vehicle, with the driver who is compatible with it."""
    drivers: dict[str, list[Element]] = defaultdict(list)
    for driver in root.iterfind("drivers/driver_profile"):
        _known(
            source, f"driver {driver.get('type')}", driver, frozenset({"compatible_vehicle_type", "skill"})
        )
        for vehicle_type in driver.iterfind("compatible_vehicle_type"):
            drivers[(vehicle_type.text or "").strip()].append(driver)
    shifts = []
    for vehicle in root.iterfind("fleet/vehicle_profile"):
        name = vehicle.get("type", "")
        place = f"vehicle {name}"
        if vehicle.get("number") != "1" or len(drivers[name]) != 1:
            source.fault(place, "only one vehicle of each type, with one driver, is supported")
            continue
        goods = _carried(source, place, vehicle, resources)
        shifts.append(
            source.make(
                place,
                Shift,
                id=name,
                technician=name,
                start_location=_row(source, place, network, vehicle.findtext("departure_node")),
                end_location=_row(source, place, network, vehicle.findtext("arrival_node")),
                start_s=working_s[0],
                end_s=working_s[1],
                skills={f"skill-{each.get('id')}": 1 for each in drivers[name][0].iterfind("skill")},
                tools=goods.tools,
                parts=goods.parts,
            )
        )
    return shifts


def _carried(source: Source, place: str, vehicle: Element, resources: Mapping[str, Element]) -> Goods:
    """The tools a vehicle may carry, which it has from the start, and the parts it starts with."""
    _known(source, place, vehicle, VEHICLE_FIELDS)
    amounts = {}
    for resource in vehicle.iterfind("resource"):
        key, most, start = resource.get("id", ""), resource.findtext("max"), resource.findtext("start")
        if start is not None and most != "INF":
            source.fault(f"{place}.resource {key}", "a limited store of parts is not supported")
        amounts[key] = source.whole(f"{place}.resource {key}", most if start is None else start)
    return _goods(source, place, amounts, resources)
