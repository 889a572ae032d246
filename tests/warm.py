"""What every test would otherwise compile again: the SQL of an engine, the templates of an application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine

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


@contextmanager
def warm_engines() -> Iterator[None]:
    """Let the product ask `ENGINES`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "make_engine", ENGINES.engine)
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
