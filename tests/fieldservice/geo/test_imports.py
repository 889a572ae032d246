"""An import makes a whole map or none, whatever it is given."""

import fcntl
import hashlib

import osmium
import pytest
from osmium.osm.mutable import Node, Way

from fieldservice.geo.imports import OPENSTREETMAP, MapImportError, import_map
from fieldservice.geo.manifest import ADDRESSES, MANIFEST, TILES, MapMissing, load_manifest


def entries(path):
    """What lies in a map directory besides the lock."""
    return sorted(each.name for each in path.iterdir() if each.name != "import.lock")


def test_the_manifest_tells_what_a_map_view_needs(town_map, town_pbf):
    """Name, origin, credit, bounds, centre, zooms, counts and tools are read back as they were made."""
    manifest = load_manifest(town_map)
    assert manifest.name == "Demoville"
    assert manifest.sha256 == hashlib.sha256(town_pbf.read_bytes()).hexdigest()
    assert manifest.time_zone == "America/New_York"
    assert manifest.attribution.text == "Demo map, invented data"
    assert manifest.attribution.url is None
    west, south, east, north = manifest.bounds
    assert west < manifest.centre.lon < east
    assert south < manifest.centre.lat < north
    assert manifest.tiles.bounds == manifest.bounds
    assert (manifest.tiles.min_zoom, manifest.tiles.max_zoom) == (8, 14)
    assert (town_map / manifest.tiles.file).read_bytes()[:7] == b"PMTiles"
    assert manifest.path(town_map, ADDRESSES).is_file()
    assert manifest.counts["addresses"] == 6000
    assert manifest.counts["tiles"] > 20
    assert manifest.profiles[-1].factor == 1
    assert {"osrm-bindings", "osmium"} <= manifest.tools.keys()


def test_progress_is_told_stage_by_stage(village_pbf, tmp_path):
    """A progress bar sees every stage begin and end, and no fraction go back."""
    told = []
    import_map(village_pbf, tmp_path / "map", progress=lambda stage, done: told.append((stage, done)))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["read", "addresses", "tiles", "roads", "finish"]
    for stage in stages:
        fractions = [done for name, done in told if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1


def bad_files(pbf, folder):
    """Files that cannot become a map, by name."""
    whole = pbf.read_bytes()
    files = {
        "empty": b"",
        "text": b"this is not a map\n" * 1000,
        "truncated": whole[: len(whole) * 2 // 3],
        "damaged": whole[:20_000] + bytes(4_000) + whole[24_000:],
    }
    for name, data in files.items():
        (folder / f"{name}.osm.pbf").write_bytes(data)
    with osmium.SimpleWriter(str(folder / "roadless.osm.pbf")) as writer:
        for number in (1, 2):
            writer.add_node(Node(id=number, version=1, location=(10 + number, 50)))
        writer.add_way(Way(id=1, version=1, nodes=[1, 2], tags={"highway": "footway"}))
    (folder / "folder.osm.pbf").mkdir()
    return folder


@pytest.mark.parametrize("name", ["empty", "text", "truncated", "damaged", "roadless", "folder", "missing"])
def test_a_bad_file_is_one_clear_error_and_leaves_no_trace(village_pbf, tmp_path, name):
    """MapImportError names the file, nothing half-made stays, and there is still no map."""
    path = bad_files(village_pbf, tmp_path) / f"{name}.osm.pbf"
    with pytest.raises(MapImportError, match=rf"{name}\.osm\.pbf"):
        import_map(path, tmp_path / "map")
    with pytest.raises(MapMissing):
        load_manifest(tmp_path / "map")
    assert not (tmp_path / "map").exists() or entries(tmp_path / "map") == []


def test_a_failed_import_leaves_the_old_map_in_use(village_pbf, tmp_path):
    """The map that was imported before stays, byte for byte, when the next file is bad."""
    out = tmp_path / "map"
    before = import_map(village_pbf, out)
    manifest_bytes = (out / MANIFEST).read_bytes()
    path = bad_files(village_pbf, tmp_path) / "truncated.osm.pbf"
    with pytest.raises(MapImportError):
        import_map(path, out)
    assert (out / MANIFEST).read_bytes() == manifest_bytes
    assert load_manifest(out) == before


def test_an_interrupted_import_leaves_the_old_map_in_use(village_pbf, tmp_path):
    """Ctrl-C at any stage leaves the old map; what it had written is gone."""
    out = tmp_path / "map"
    before = import_map(village_pbf, out)
    kept = entries(out)

    def interrupt(stage, done):
        if (stage, done) == ("finish", 0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_map(village_pbf, out, progress=interrupt)
    assert load_manifest(out) == before
    assert entries(out) == kept


def test_leftovers_of_killed_imports_do_not_pile_up(village_pbf, tmp_path):
    """After an import its own files and those of the map before it remain, which processes may still read."""
    out = tmp_path / "map"
    for number in range(3):
        (out / f"import-killed{number}").mkdir(parents=True)
    first = import_map(village_pbf, out)
    second = import_map(village_pbf, out)
    assert entries(out) == sorted([first.directory, second.directory, MANIFEST])
    assert first.path(out, TILES).is_file()
    assert load_manifest(out).directory == second.directory


def test_two_imports_do_not_mix(village_pbf, tmp_path):
    """While one import holds the directory another is refused at once."""
    (tmp_path / "map").mkdir()
    with (tmp_path / "map" / "import.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(MapImportError, match="another import"):
            import_map(village_pbf, tmp_path / "map")


def test_a_folder_that_the_road_engine_would_misread_is_refused(village_pbf, tmp_path):
    """The engine cuts its path at .osm: better one clear error now than files in the wrong place."""
    with pytest.raises(MapImportError, match="the road engine cannot use the folder"):
        import_map(village_pbf, tmp_path / "county.osm.pbf.map")
    assert not (tmp_path / "county.osm.pbf.map").exists()


def test_an_unsorted_file_of_others_is_sorted_and_credited(village_pbf, tmp_path):
    """A file in the wrong order gives the same map; anything but our own town credits OpenStreetMap."""
    path = tmp_path / "unsorted.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for kind in (osmium.osm.WAY, osmium.osm.NODE):
            for thing in osmium.FileProcessor(str(village_pbf), kind):
                writer.add(thing)
    expected = import_map(village_pbf, tmp_path / "sorted")
    manifest = import_map(path, tmp_path / "map", time_zone="Europe/Vaduz")
    assert manifest.counts == expected.counts
    assert manifest.bounds == expected.bounds
    assert manifest.name == "unsorted"
    assert manifest.time_zone == "Europe/Vaduz"
    assert manifest.attribution == OPENSTREETMAP
    assert load_manifest(tmp_path / "map").attribution == OPENSTREETMAP
