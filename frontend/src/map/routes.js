// Routes and their numbered stops from GeoJSON. Properties of a feature: `kind` (route, stop, start), `colour`
// (technician colour 1 to 8), `estimated` (a line drawn straight because no road was asked), `number`, `label`,
// `visit` (id, for stops) and `state` ("faded" or "proposed" while a plan is looked at).
import L from "leaflet";

const WIDTH = 4;

function routeLines(feature, latlngs) {
  const { colour, estimated, state } = feature.properties;
  const names = `technician-${colour} ${estimated ? "estimated" : ""} ${state ?? ""}`;
  const line = (className, weight) => L.polyline(latlngs, { className, weight, interactive: false });
  return [line(`route-halo ${names}`, WIDTH + 3), line(`route-line ${names}`, WIDTH)];
}

function stopMarker(feature, latlng) {
  const { kind, number, label, colour, state, visit } = feature.properties;
  const text = document.createElement("span");
  text.textContent = number ?? "";
  const marker = L.marker(latlng, {
    icon: L.divIcon({ className: `map-${kind} technician-${colour} ${state ?? ""}`, html: text, iconSize: null }),
    // The timeline and the list hold the same visits as buttons; hundreds of tab stops here would help nobody.
    keyboard: false,
    interactive: Boolean(visit),
    title: label,
    alt: label,
    zIndexOffset: state === "faded" ? -1000 : 0,
  });
  marker.on("click", () => {
    marker.getElement().dispatchEvent(new CustomEvent("map:visit", { bubbles: true, detail: { visit } }));
  });
  return marker;
}

const turn = ([lon, lat]) => [lat, lon];

function layersOf(feature) {
  const { type, coordinates } = feature.geometry;
  if (type === "LineString") return routeLines(feature, coordinates.map(turn));
  return [stopMarker(feature, turn(coordinates))];
}

/** Shows what the address answers, and again whenever the element gets a `map:reload` event. */
export function addRoutes(map, element) {
  const group = L.featureGroup().addTo(map);
  let etag = "";
  const load = async ({ fit }) => {
    const answer = await fetch(element.dataset.routes, { headers: { Accept: "application/geo+json" } });
    if (!answer.ok || (etag && answer.headers.get("ETag") === etag)) return;
    etag = answer.headers.get("ETag") ?? "";
    const { features } = await answer.json();
    group.clearLayers();
    for (const feature of features) for (const layer of layersOf(feature)) group.addLayer(layer);
    if (fit && features.length > 0) map.fitBounds(group.getBounds(), { padding: [28, 28], maxZoom: 16 });
  };
  const quietly = (options) => load(options).catch((error) => console.warn(`routes not loaded: ${error.message}`));
  element.addEventListener("map:reload", () => quietly({ fit: false }));
  return quietly({ fit: true });
}
