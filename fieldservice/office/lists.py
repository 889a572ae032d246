"""Lists of the office: what a table shows, how it is searched, filtered, sorted and cut into pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

PAGE = 50
"""Rows on one page."""
_LONGEST_SEARCH = 120
_MOST_WORDS = 8
_LAST_PAGE = 10_000

type Choices = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Column:
    """What a list shows of a row. `order` sorts by it in the database; without it nobody can."""

    name: str
    title: Any
    value: Callable[[Any], object]
    order: Any = None
    in_page: bool = True


@dataclass(frozen=True)
class Filter:
    """A choice above the list; `where` is what a value that is among the choices means."""

    name: str
    title: Any
    choices: Callable[[Session], Choices]
    where: Callable[[str], ColumnElement[bool]]


@dataclass(frozen=True)
class Table:
    """A list of rows of one mapped class.

    `search` are the columns in which each typed word is looked for, `sort` the column by which it is sorted
    first ("-" before it: falling), `opens` and `new` the endpoints of a row's page, which takes its `number`,
    and of the form for another row.
    """

    name: str
    title: Any
    entity: Any
    columns: Sequence[Column]
    search: Sequence[Any]
    sort: str
    filters: Sequence[Filter] = ()
    joins: Sequence[Any] = ()
    options: Sequence[Any] = ()
    opens: str = ""
    new: str = ""
    none: Any = ""


@dataclass(frozen=True)
class Asked:
    """What the address asks for; whatever a list does not know is left out."""

    text: str = ""
    sort: str = ""
    page: int = 1
    chosen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, args: Mapping[str, str]) -> Asked:
        """What `args` of a request ask of a table."""
        sort = args.get("sort", "")
        sortable = {column.name for column in table.columns if column.order is not None}
        page = args.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        return cls(
            text=args.get("q", "").replace("\x00", " ").strip()[:_LONGEST_SEARCH],
            sort=sort if sort.removeprefix("-") in sortable else table.sort,
            page=min(max(number, 1), _LAST_PAGE),
            chosen={each.name: args[each.name] for each in table.filters if args.get(each.name)},
        )

    def args(self, **changed: Any) -> dict[str, Any]:
        """The same as arguments of an address, some of them changed; another question begins at page 1."""
        known = {"q": self.text, "sort": self.sort, **self.chosen, **changed}
        return {name: value for name, value in known.items() if value}


@dataclass(frozen=True)
class Found:
    """The rows of one page, how many there are in all, and the filters with their choices."""

    rows: list[Any]
    total: int
    last_page: int
    filters: list[tuple[Filter, Choices]]


def look(session: Session, table: Table, asked: Asked) -> Found:
    """One page of a list; a page after the last is the last."""
    filters = [(each, each.choices(session)) for each in table.filters]
    query = _query(table, asked, filters)
    total = session.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    last = max(1, -(-total // PAGE))
    page = min(asked.page, last)
    ordered = _ordered(query, table, asked).limit(PAGE).offset((page - 1) * PAGE)
    return Found(list(session.scalars(ordered).unique()), total, last, filters)


def everything(session: Session, table: Table, asked: Asked) -> Iterator[list[object]]:
    """The values of all rows that are asked for, in the order of the columns."""
    filters = [(each, each.choices(session)) for each in table.filters]
    for row in session.scalars(_ordered(_query(table, asked, filters), table, asked)).unique():
        yield [column.value(row) for column in table.columns]


def _query(table: Table, asked: Asked, filters: list[tuple[Filter, Choices]]) -> Select[Any]:
    query = select(table.entity)
    for target in table.joins:
        query = query.outerjoin(target)
    for word in asked.text.split()[:_MOST_WORDS]:
        spellings = {word, json.dumps(word)[1:-1]}  # as it is, and as JSON stores it
        found = [column.icontains(one, autoescape=True) for column in table.search for one in spellings]
        query = query.where(or_(*found))
    for each, choices in filters:
        value = asked.chosen.get(each.name)
        if value is not None and value in [known for known, _words in choices]:
            query = query.where(each.where(value))
    return query


def _ordered(query: Select[Any], table: Table, asked: Asked) -> Select[Any]:
    column = next(each for each in table.columns if each.name == asked.sort.removeprefix("-"))
    order = column.order.desc() if asked.sort.startswith("-") else column.order.asc()
    return query.order_by(order, table.entity.id).options(*table.options)
