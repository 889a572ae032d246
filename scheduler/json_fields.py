"""Converters from JSON values to fields, each refusing with the path to the value."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from scheduler.model import Matrix, Plan, Problem

Convert = Callable[[Any, str], Any]
"""From a JSON value and the path to it."""


class FormatError(ValueError):
    """The input is not what the format asks for; `lines` has one fault each, with its JSON path."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def collected[T](faults: list[str], convert: Callable[[Any, str], T], value: Any, path: str) -> T | None:
    """The converted value, or None and its faults added."""
    try:
        return convert(value, path)
    except FormatError as error:
        faults += error.lines
        return None


def fields_of(value: Any, path: str, kind: type, extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with the fields of a dataclass: all required ones and no unknown ones."""
    if not isinstance(value, dict):
        raise FormatError([f"{path}: must be an object, not {short(value)}"])
    known = {each.name: each for each in fields(kind) if each.init}
    prefix = "" if kind in (Problem, Plan) else f"{path}."
    faults = [f"{prefix}{name}: unknown field" for name in value if name not in known and name not in extra]
    for name, each in known.items():
        if name not in value and each.default is MISSING and each.default_factory is MISSING:
            faults.append(f"{prefix}{name}: is missing")
    if faults:
        raise FormatError(faults)
    return value


def built[T](kind: type[T], converters: Mapping[str, Callable[[Any, str], Any]], value: Any, path: str) -> T:
    """A dataclass from an object; fields without a converter are checked by the class itself."""
    content = fields_of(value, path, kind)
    faults: list[str] = []
    parts = {
        name: collected(faults, converters[name], part, f"{path}.{name}") if name in converters else part
        for name, part in content.items()
    }
    if faults:
        raise FormatError(faults)
    try:
        return kind(**parts)
    except ValueError as error:
        raise FormatError([f"{path}.{line}" for line in str(error).splitlines()]) from error


def listed[T](convert: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def convert_all(value: Any, path: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise FormatError([f"{path}: must be a list, not {short(value)}"])
        faults: list[str] = []
        found = [collected(faults, convert, item, f"{path}[{index}]") for index, item in enumerate(value)]
        if faults:
            raise FormatError(faults)
        return tuple(item for item in found if item is not None)

    return convert_all


def numbers(count: int) -> Callable[[Any, str], tuple[int, ...]]:
    def convert(value: Any, path: str) -> tuple[int, ...]:
        found = listed(integer)(value, path)
        if len(found) != count:
            raise FormatError([f"{path}: must have {count} numbers, not {len(found)}"])
        return found

    return convert


def integer(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError([f"{path}: must be a whole number, not {short(value)}"])
    return value


def text(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise FormatError([f"{path}: must be a non-empty text, not {short(value)}"])
    return value


def boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise FormatError([f"{path}: must be true or false, not {short(value)}"])
    return value


def names(value: Any, path: str) -> frozenset[str]:
    return frozenset(listed(text)(value, path))


def mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError([f"{path}: must be an object, not {short(value)}"])
    return value


def named[T](convert: Callable[[Any, str], T]) -> Callable[[Any, str], dict[str, T]]:
    """An object whose values are all of one kind."""

    def convert_all(value: Any, path: str) -> dict[str, T]:
        content = mapping(value, path)
        faults: list[str] = []
        found = {name: collected(faults, convert, item, f"{path}.{name}") for name, item in content.items()}
        if faults:
            raise FormatError(faults)
        return {name: item for name, item in found.items() if item is not None}

    return convert_all


def optional[T](convert: Callable[[Any, str], T]) -> Callable[[Any, str], T | None]:
    return lambda value, path: None if value is None else convert(value, path)


def matrix(value: Any, path: str) -> Matrix:
    """A square table of whole numbers."""
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise FormatError([f"{path}: must be a list of lists"])
    for index, row in enumerate(value):
        if len(row) != len(value):
            raise FormatError([f"{path}[{index}]: has {len(row)} values, not {len(value)}"])
        for column, cell in enumerate(row):
            if type(cell) is not int or not 0 <= cell < 1 << 31:
                raise FormatError([f"{path}[{index}][{column}]: {short(cell)} is not a whole number from 0"])
    return np.array(value, np.int32).reshape(len(value), len(value))


def short(value: Any) -> str:
    """The value as a message shows it."""
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
