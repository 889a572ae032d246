"""The manifest of a map directory: what was imported, where its files lie, what a map view needs."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fieldservice.geo.types import Coordinates

FORMAT = 1
MANIFEST = "manifest.json"
ROADS = "roads/map.osrm"
ADDRESSES = "addresses.sqlite"
TILES = "basemap.pmtiles"


class MapMissing(Exception):
    """No map was imported into the directory."""


class MapDamaged(Exception):
    """The directory has a manifest, but it or the files it names cannot be used."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a map view must credit, and where the words link to (no link for invented data)."""

    text: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A factor on all travel times between two local hours; `until_hour` is exclusive."""

    name: str
    from_hour: int
    until_hour: int
    factor: float

    def __post_init__(self) -> None:
        if not (0 <= self.from_hour < self.until_hour <= 24 and 0.1 <= self.factor <= 10):
            raise ValueError(f"not a profile: {self.from_hour} to {self.until_hour} h, factor {self.factor}")


ALL_DAY = Profile("all day", 0, 24, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """What a map view needs to show the base map; `file` is relative to the map directory."""

    file: str
    bounds: tuple[float, float, float, float]
    centre: Coordinates
    min_zoom: int
    max_zoom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that is known about an imported map. `bounds` is west, south, east, north.

    The files lie in `directory`, a sub-directory of the map directory that is never written again.
    `anchor` is a point on the main road network. The first profile that covers an hour holds; the
    last is the default.
    """

    name: str
    directory: str
    sha256: str
    bounds: tuple[float, float, float, float]
    centre: Coordinates
    anchor: Coordinates
    time_zone: str | None
    counts: Mapping[str, int]
    attribution: Attribution
    tiles: Tiles
    profiles: tuple[Profile, ...]
    tools: Mapping[str, str]
    files: Mapping[str, int]

    @property
    def data_set(self) -> str:
        """Changes whenever the roads or the profiles do: the key for anything computed from them."""
        profiles = json.dumps([asdict(profile) for profile in self.profiles])
        return hashlib.sha256(f"{self.sha256}{self.tools}{profiles}".encode()).hexdigest()[:16]

    def profile(self, at: datetime | None) -> Profile:
        """The profile of an instant, by the hour in the map's time zone, or in the zone of `at`."""
        if at is not None:
            hour = (at.astimezone(ZoneInfo(self.time_zone)) if self.time_zone else at).hour
            for profile in self.profiles:
                if profile.from_hour <= hour < profile.until_hour:
                    return profile
        return self.profiles[-1]

    def path(self, map_dir: Path, file: str) -> Path:
        """Where one of the map's files lies."""
        return map_dir / self.directory / file

    def write(self, map_dir: Path) -> None:
        """Make this the map of the directory in one step: readers see the old map or this one."""
        draft = map_dir / f"{MANIFEST}.{os.getpid()}"
        with draft.open("w", encoding="utf-8") as out:
            json.dump({"format": FORMAT, **asdict(self)}, out, ensure_ascii=False, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(map_dir / MANIFEST)


def load_manifest(map_dir: Path) -> Manifest:
    """Read and verify; raises MapMissing without a map, MapDamaged when a file is not as it was written."""
    try:
        text = (map_dir / MANIFEST).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise MapMissing(f"no map in {map_dir}") from None
    try:
        manifest = _parse(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise MapDamaged(f"{map_dir / MANIFEST}: {error}") from error
    for file, size in manifest.files.items():
        path = manifest.path(map_dir, file)
        if not path.is_file() or path.stat().st_size != size:
            raise MapDamaged(f"{path} is missing or not {size} bytes long; import the map again")
    return manifest


def _parse(raw: dict[str, Any]) -> Manifest:
    if raw.pop("format", None) != FORMAT:
        raise ValueError("written by another version; import the map again")
    tiles = raw["tiles"]
    tiles |= {"bounds": tuple(tiles["bounds"]), "centre": Coordinates(**tiles["centre"])}
    if not raw["profiles"]:
        raise ValueError("no travel time profile")
    return Manifest(
        **raw
        | {
            "bounds": tuple(raw["bounds"]),
            "centre": Coordinates(**raw["centre"]),
            "anchor": Coordinates(**raw["anchor"]),
            "attribution": Attribution(**raw["attribution"]),
            "tiles": Tiles(**tiles),
            "profiles": tuple(Profile(**profile) for profile in raw["profiles"]),
        }
    )
