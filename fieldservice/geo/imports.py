"""Import an OpenStreetMap file: road engine data, address index, base map and manifest in one directory."""

import fcntl
import hashlib
import importlib.metadata
import logging
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import osrm
import shapely

from fieldservice.geo import manifest as names
from fieldservice.geo import town
from fieldservice.geo.addresses import write_index
from fieldservice.geo.basemap import MAX_ZOOM, MIN_ZOOM, Bounds, write_basemap
from fieldservice.geo.features import Features, read_features
from fieldservice.geo.manifest import ALL_DAY, Attribution, Manifest, Tiles
from fieldservice.geo.types import Coordinates

OPENSTREETMAP = Attribution("© OpenStreetMap contributors", "https://www.openstreetmap.org/copyright")
INVENTED = Attribution("Demo map, invented data", None)
_TOOLS = ("osrm-bindings", "osmium", "shapely", "mapbox-vector-tile", "pmtiles")
_log = logging.getLogger(__name__)

type Progress = Callable[[str, float], None]
"""Told the stage (read, addresses, tiles, roads, finish) and how much of it is done, 0 to 1."""


_ROAD_FILE_ENDINGS = (".osm", ".osrm")
"""The engine cuts its base path at the first of these, wherever it stands."""

_UNUSABLE = (RuntimeError, OSError, ValueError, shapely.errors.ShapelyError, sqlite3.Error)
"""What the readers and tools raise for damaged input, a full disk, a tool that fails."""


class MapImportError(Exception):
    """The file cannot become a map; the text says why. What was imported before stays as it was."""


def import_map(
    pbf: Path,
    out: Path,
    *,
    progress: Progress | None = None,
    name: str | None = None,
    time_zone: str | None = None,
) -> Manifest:
    """Make `pbf` the map of the directory `out` and return its manifest.

    All or nothing: everything is built beside the present map, which is replaced in one step at the end, or
    MapImportError is raised. The old map's files stay until the next import, for processes that read them.
    """
    tell = progress or (lambda stage, fraction: None)
    if not pbf.is_file():
        raise MapImportError(f"{pbf} is not a file")
    if any(ending in str(out.resolve()) for ending in _ROAD_FILE_ENDINGS):
        raise MapImportError(f"the road engine cannot use the folder {out}: its path reads like a file's")
    out.mkdir(parents=True, exist_ok=True)
    with _only_import(out):
        return _import(pbf, out, tell, name or pbf.name.removesuffix(".pbf").removesuffix(".osm"), time_zone)


@contextmanager
def _only_import(out: Path) -> Iterator[None]:
    """Hold the directory's import lock, which the system releases even from a killed process."""
    with (out / "import.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MapImportError(f"another import into {out} is running") from None
        yield


def _import(pbf: Path, out: Path, tell: Progress, name: str, time_zone: str | None) -> Manifest:
    draft = Path(tempfile.mkdtemp(prefix="import-", dir=out))
    draft.chmod(0o755)  # a web server of another user may serve the tiles
    try:
        manifest = _build(pbf, draft, tell, name, time_zone)
        tell("finish", 0)
        manifest.write(out)
    except _UNUSABLE as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise MapImportError(f"{pbf} cannot be imported: {error}") from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _tidy(out, keep=manifest.directory)
    tell("finish", 1)
    return manifest


def _build(pbf: Path, draft: Path, tell: Progress, name: str, time_zone: str | None) -> Manifest:
    tell("read", 0)
    source = _sorted(pbf, draft)
    with ThreadPoolExecutor(1) as pool:
        # the engine's tools are processes of their own: they use the second core while Python draws
        roads = pool.submit(_build_roads, source, draft / names.ROADS)
        features = read_features(source)
        lines, _ = features.roads()
        if not len(lines):
            raise MapImportError(f"{pbf} has no roads that cars may use")
        bounds: Bounds = tuple(shapely.total_bounds(lines).round(6).tolist())
        tell("read", 1)
        tell("addresses", 0)
        counts = write_index(features, draft / names.ADDRESSES)
        tell("addresses", 1)
        tiles = write_basemap(
            features, bounds, draft / names.TILES, name=name, progress=lambda done: tell("tiles", done)
        )
        anchor = _finish_roads(roads, draft / names.ROADS, lines, tell)
    if source != pbf:
        source.unlink()
    invented = features.generator == town.GENERATOR
    centre = _centre(features, bounds)
    return Manifest(
        name=town.NAME if invented else name,
        directory=draft.name,
        sha256=_sha256(pbf),
        bounds=bounds,
        centre=centre,
        anchor=anchor,
        time_zone=town.TIME_ZONE if invented else time_zone,
        counts={"roads": len(lines), "tiles": tiles, **counts},
        attribution=INVENTED if invented else OPENSTREETMAP,
        tiles=Tiles(
            file=f"{draft.name}/{names.TILES}",
            bounds=bounds,
            centre=centre,
            min_zoom=MIN_ZOOM,
            max_zoom=MAX_ZOOM,
        ),
        profiles=(ALL_DAY,),
        tools={tool: importlib.metadata.version(tool) for tool in _TOOLS},
        files={
            str(file.relative_to(draft)): file.stat().st_size
            for file in sorted(draft.rglob("*"))
            if file.is_file()
        },
    )


def _sorted(pbf: Path, draft: Path) -> Path:
    """`pbf` if it says that it is sorted, else a sorted copy; every reader after this needs the order."""
    file = osmium.io.File(str(pbf), "pbf")
    with osmium.io.Reader(file, osmium.osm.NOTHING) as reader:
        if reader.header().get("sorting") == "Type_then_ID":
            return pbf
    merged = osmium.MergeInputReader()
    merged.add_file(str(pbf))
    header = osmium.io.Header()
    header.set("sorting", "Type_then_ID")
    copy = draft / "sorted.osm.pbf"
    writer = osmium.SimpleWriter(str(copy), header=header)
    try:
        merged.apply(writer)
    finally:
        writer.close()
    return copy


def _build_roads(source: Path, base: Path) -> None:
    """Run the road engine's own tools; raises RuntimeError with the last thing a failing tool said."""
    base.parent.mkdir()
    home = Path(osrm.__file__).parent
    profile = home / "share" / "profiles" / "car.lua"
    threads = ("-t", str(os.cpu_count() or 1))
    for tool, arguments in (
        ("osrm-extract", [*threads, "-p", str(profile), "-o", str(base), str(source.resolve())]),
        ("osrm-partition", [*threads, str(base)]),
        ("osrm-customize", [*threads, str(base)]),
    ):
        ran = subprocess.run(
            [home / "bin" / tool, *arguments], capture_output=True, text=True, errors="replace", check=False
        )
        if ran.returncode:
            said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
            raise RuntimeError(f"{tool} failed: {said[-1].strip() if said else ran.returncode}")


def _finish_roads(roads: Future[None], base: Path, lines: Any, tell: Progress) -> Coordinates:
    tell("roads", 0)
    roads.result()
    anchor = _anchor(base, lines)
    tell("roads", 1)
    return anchor


def _anchor(base: Path, lines: Any) -> Coordinates:
    """A point on the main road network: of a sample the one that is joined to most of the others."""
    engine = osrm.OSRM(algorithm="MLD", storage_config=str(base), use_shared_memory=False)
    sample = lines[np.linspace(0, len(lines) - 1, min(80, len(lines))).astype(int)]
    points = shapely.get_coordinates(shapely.line_interpolate_point(sample, 0.5, normalized=True)).tolist()
    points = points if len(points) > 1 else points * 2
    answer = engine.Table(
        osrm.TableParameters(coordinates=points, annotations=["duration"], generate_hints=False)
    )
    reachable = np.isfinite(np.array([list(row) for row in answer["durations"]], dtype=float))
    on_road = np.array([source["distance"] for source in answer["sources"]]) < 5
    best = int(np.argmax((reachable.sum(axis=0) + reachable.sum(axis=1)) * on_road))
    lon, lat = points[best]
    return Coordinates(round(lat, 7), round(lon, 7))


def _centre(features: Features, bounds: Bounds) -> Coordinates:
    """Where a map view opens: amid the addresses, or in the middle of a map that has none."""
    west, south, east, north = bounds
    if features.addresses:
        lon, lat = np.median(features.address_points(), axis=0).round(6).tolist()
        return Coordinates(lat, lon)
    return Coordinates(round((south + north) / 2, 6), round((west + east) / 2, 6))


def _sha256(pbf: Path) -> str:
    with pbf.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tidy(out: Path, *, keep: str) -> None:
    """Delete what earlier imports left, but for the newest: a running process may still read that one."""
    others = sorted(
        (path for path in out.glob("import-*") if path.is_dir() and path.name != keep),
        key=lambda path: path.stat().st_mtime,
    )
    for path in others[:-1]:
        _log.info("deleting the files of an earlier map: %s", path)
        shutil.rmtree(path, ignore_errors=True)
