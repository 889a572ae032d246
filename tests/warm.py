"""What each test would compile again: SQL of an engine, templates and addresses of an application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from werkzeug.routing import Rule

from fieldservice import db


class WarmEngines:
    """Gives all databases at a kept address one engine, whose compiled statements outlive the test.

    Each asker gets a view of it with events of its own, and `cool` closes its connections.
    """

    def __init__(self) -> None:
        self._make = db.make_engine
        self._engines: dict[str, Engine] = {}

    def keep(self, url: str) -> None:
        """From now on there is one engine for this address."""
        self._engines.setdefault(url, self._make(url))

    def cool(self, url: str) -> None:
        """Close the connections, before the rows or the file go away."""
        if url in self._engines:
            self._engines[url].dispose()

    def engine(self, url: str) -> Engine:
        """What `fieldservice.db.make_engine` gives."""
        kept = self._engines.get(url)
        return self._make(url) if kept is None else kept.execution_options()


ENGINES = WarmEngines()


def _kept(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """Compile once what builds the addresses of a rule: all rules are half the time of an application."""
    made: dict[Any, Any] = {}

    def kept(rule: Any, append_unknown: bool = True) -> Any:
        key = (tuple(rule._trace), tuple((rule.defaults or {}).items()), append_unknown)
        if key not in made:
            made[key] = compile_builder(rule, append_unknown)
        return made[key]

    return kept


@contextmanager
def warm_engines() -> Iterator[None]:
    """Let the product ask `ENGINES`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "make_engine", ENGINES.engine)
        patch.setattr(Rule, "_compile_builder", _kept(Rule._compile_builder))
        yield


class CompiledTemplates(BytecodeCache):
    """Keeps templates in memory; Jinja compares a checksum of the source."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the compiled template, if there is one of this source."""
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template."""
        self._code[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = CompiledTemplates()


def keep_templates(app: Flask) -> Flask:
    """Let the application use what earlier ones compiled."""
    app.jinja_env.bytecode_cache = TEMPLATES
    return app
