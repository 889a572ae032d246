"""What the front-end build left in `static/vendor`: hashed file names, and icons from one sprite."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup


class MissingBuildError(Exception):
    """The folder holds no finished build."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"no front-end build in {directory}: run `make setup`")


class UnknownAssetError(LookupError):
    """A template asks for a style sheet, script or icon that the build does not make."""


@dataclass(frozen=True)
class Manifest:
    """Logical name to hashed file name, and the names of the icons and pictures in their sprites."""

    files: dict[str, str]
    icons: frozenset[str]
    pictures: frozenset[str]


class Assets:
    """Addresses of built files. Nothing is read before the first use, so commands work without a build.

    Raises MissingBuildError when the build is missing and UnknownAssetError for a name it does not know.
    """

    def __init__(self, directory: Path, base_url: str = "/static/vendor/") -> None:
        self.directory = directory
        self.base_url = base_url

    @cached_property
    def manifest(self) -> Manifest:
        """The build's own list of what it made."""
        path = self.directory / "manifest.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise MissingBuildError(self.directory) from error
        names = (frozenset(content.get(kind, ())) for kind in ("icons", "pictures"))
        return Manifest(content["files"], *names)

    def url(self, name: str) -> str:
        """Address of `app.css`; it changes with the content, so it may be cached for ever."""
        try:
            return self.base_url + self.manifest.files[name]
        except KeyError:
            raise UnknownAssetError(f"the front-end build makes no {name!r}") from None

    def icon(self, name: str, css: str = "") -> Markup:
        """An icon as inline markup, silent for screen readers: the text beside it speaks."""
        if name not in self.manifest.icons:
            raise UnknownAssetError(f"icon {name!r} is not listed in frontend/icons.json")
        return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
            css, self.url("icons.svg"), name
        )

    def picture(self, name: str) -> Markup:
        """A service's picture, silent for screen readers.

        Its name is what the office wrote, so one that we do not have is an icon, or else the tools.
        """
        if name not in self.manifest.pictures and name in self.manifest.icons:
            return self.icon(name)
        known = name if name in self.manifest.pictures else "tools"
        return Markup('<svg class="picture" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
            self.url("pictures.svg"), known
        )

    def install(self, environment: Environment) -> None:
        """Give templates `asset("app.css")`, `icon("fire")` and `picture("boiler")`."""
        environment.globals["asset"] = self.url
        environment.globals["icon"] = self.icon
        environment.globals["picture"] = self.picture
