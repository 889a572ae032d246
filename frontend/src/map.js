// Maps of a page: every element with `data-map` (templates/_macros/map.html writes it).
import L from "leaflet";
import { addLive } from "./map/live.js";
import { addPin, addPlace } from "./map/pin.js";
import { addRoutes } from "./map/routes.js";
import { addTiles } from "./map/tiles.js";

const number = (text) => (text === undefined || text === "" ? NaN : Number(text));

/** Where the map starts: the fields of the pin when they are filled, else the given position. */
function positionOf({ latitude, longitude, latitudeField, longitudeField }) {
  const field = (id) => (id ? document.getElementById(id).value : "");
  const filled = [number(field(latitudeField)), number(field(longitudeField))];
  const given = [number(latitude), number(longitude)];
  return [filled, given].find((pair) => pair.every(Number.isFinite));
}

function createMap(element) {
  const { still, zoom } = element.dataset;
  element.replaceChildren();
  const map = L.map(element, {
    attributionControl: false, // the credit is part of the page, so that it is there without script, too
    zoomControl: false,
    dragging: !still,
    keyboard: !still,
    touchZoom: !still,
    doubleClickZoom: !still,
    scrollWheelZoom: element.dataset.wheel === "yes",
    boxZoom: false,
    zoomSnap: 0.5,
    fadeAnimation: false,
    zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  }).setView([0, 0], Number(zoom));
  if (!still) L.control.zoom({ position: "topright" }).addTo(map);
  return map;
}

function start(element) {
  const position = positionOf(element.dataset);
  const map = createMap(element);
  if (position) map.setView(position, Number(element.dataset.zoom));
  if (position && element.dataset.latitudeField) addPin(map, element, position);
  else if (position && !element.dataset.routes) addPlace(map, position);
  if (position && element.dataset.live) addLive(map, element.dataset.live, position);
  if (element.dataset.routes) addRoutes(map, element);
  addTiles(map, element.dataset);
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(element);
}

for (const element of document.querySelectorAll("[data-map]")) start(element);
