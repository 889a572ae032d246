// What the base map looks like: one row per thing, in painting order, in the colours of the tokens.
// Layers and kinds are those that fieldservice.geo writes: landuse, parks, water, waterways, buildings,
// roads (highway, major, medium, minor, service, path, rail) and labels (city … neighbourhood, park, water).
import { CenteredTextSymbolizer, LineLabelSymbolizer, LineSymbolizer, PolygonSymbolizer } from "protomaps-leaflet";
import tokens from "../../tokens.json";

/** Width in pixels at zoom 10, 14 and 18, with straight lines between in the logarithm. */
const widths = (at10, at14, at18) => (zoom) => {
  const [low, high, from] = zoom < 14 ? [at10, at14, 10] : [at14, at18, 14];
  const share = Math.min(Math.max((zoom - from) / 4, 0), 1);
  return low * (high / low) ** share;
};

// kind, colour token, width, first zoom, and whether it has a darker edge
const ROADS = [
  ["path", "map-case", widths(0.2, 0.6, 2), 15, false],
  ["service", "map-road", widths(0.2, 1, 8), 14, true],
  ["minor", "map-road", widths(0.3, 2.2, 14), 12, true],
  ["medium", "map-road", widths(0.6, 3.2, 18), 11, true],
  ["major", "map-road", widths(0.9, 4.4, 22), 9, true],
  ["highway", "map-hwy", widths(1.4, 5, 24), 0, true],
];
const AREAS = [
  ["parks", "map-park", 0],
  ["water", "map-water", 0],
];
// kind, text size, first and last zoom
const PLACES = [
  ["city", 15, 0, 13],
  ["town", 14, 9, 15],
  ["suburb", 12, 11, 16],
  ["village", 12, 11, 16],
  ["neighbourhood", 11, 13, 17],
  ["hamlet", 11, 13, 17],
  ["park", 10.5, 15, 19],
  ["water", 10.5, 14, 19],
];

const isKind = (kind) => (_zoom, feature) => feature.props.kind === kind;

export function colours(theme) {
  return (name) => tokens.colors[name][theme === "dark" ? 1 : 0];
}

/** Paint rules of protomaps-leaflet for "light" or "dark". */
export function paintRules(theme) {
  const colour = colours(theme);
  const line = (dataLayer, kind, minzoom, options) => ({
    dataLayer, minzoom, filter: isKind(kind), symbolizer: new LineSymbolizer({ lineCap: "round", lineJoin: "round", ...options }),
  });
  const areas = AREAS.map(([dataLayer, name, minzoom]) => (
    { dataLayer, minzoom, symbolizer: new PolygonSymbolizer({ fill: colour(name) }) }
  ));
  const waterways = {
    dataLayer: "waterways", minzoom: 11,
    symbolizer: new LineSymbolizer({ color: colour("map-water"), width: widths(0.4, 1.5, 6), lineCap: "round" }),
  };
  const buildings = {
    dataLayer: "buildings", minzoom: 15,
    symbolizer: new PolygonSymbolizer({ fill: colour("map-case"), opacity: 0.45 }),
  };
  const edges = ROADS.filter(([, , , , edge]) => edge).map(([kind, , width, minzoom]) => (
    line("roads", kind, Math.max(minzoom, 12), { color: colour("map-case"), width: (zoom) => width(zoom) + 1.4 })
  ));
  const rail = line("roads", "rail", 12, { color: colour("map-case"), width: 1.2, dash: [4, 3] });
  const roads = ROADS.map(([kind, name, width, minzoom]) => line("roads", kind, minzoom, { color: colour(name), width }));
  return [...areas, waterways, buildings, rail, ...edges, ...roads];
}

/** Label rules: names of places, then of streets along their lines. */
export function labelRules(theme) {
  const colour = colours(theme);
  const text = { fill: colour("map-label"), stroke: colour("map-halo"), width: 2.5, labelProps: ["name"] };
  const font = (size) => `500 ${size}px ${tokens.sizes.font}`;
  const places = PLACES.map(([kind, size, minzoom, maxzoom]) => ({
    dataLayer: "labels", minzoom, maxzoom, filter: isKind(kind),
    symbolizer: new CenteredTextSymbolizer({ ...text, font: font(size) }),
  }));
  const streets = [["highway", 12], ["major", 12], ["medium", 13.5], ["minor", 15]].map(([kind, minzoom]) => ({
    dataLayer: "roads", minzoom, filter: isKind(kind),
    symbolizer: new LineLabelSymbolizer({ ...text, font: font(10.5) }),
  }));
  return [...places, ...streets];
}
