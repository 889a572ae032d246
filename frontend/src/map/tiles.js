// The base map below everything else. Without it the map stays usable: plain ground, routes, pins.
import L from "leaflet";
import { PMTiles } from "pmtiles";
import { leafletLayer } from "protomaps-leaflet";
import { colours, labelRules, paintRules } from "./style.js";

const TOLERATED_ERRORS = 4;
const darkScreen = matchMedia("(prefers-color-scheme: dark)");

const theme = () => document.documentElement.dataset.bsTheme ?? (darkScreen.matches ? "dark" : "light");

async function vectorTiles(url) {
  const archive = new PMTiles(url);
  const header = await archive.getHeader();
  const options = () => ({
    url: archive, maxDataZoom: header.maxZoom, attribution: "",
    paintRules: paintRules(theme()), labelRules: labelRules(theme()), backgroundColor: colours(theme())("map-land"),
  });
  const layer = leafletLayer(options());
  darkScreen.addEventListener("change", () => {
    const { paintRules, labelRules, backgroundColor } = options();
    Object.assign(layer, { paintRules, labelRules, backgroundColor });
    layer.labelers.labelRules = labelRules;
    layer.clearLayout();
    layer.rerenderTiles();
  });
  return layer;
}

function rasterTiles(url) {
  const layer = L.tileLayer(url, { maxZoom: 19 });
  let errors = 0;
  layer.on("tileload", () => { errors = 0; });
  layer.on("tileerror", () => { if (++errors === TOLERATED_ERRORS) layer.remove(); });
  return layer;
}

/** Adds the base map that the element's data attributes name; a base map that cannot be read is left out. */
export async function addTiles(map, { tiles, tilesUrl }) {
  try {
    if (tiles === "pmtiles") (await vectorTiles(tilesUrl)).addTo(map);
    if (tiles === "raster") rasterTiles(tilesUrl).addTo(map);
  } catch (error) {
    console.warn(`base map left out: ${error.message}`);
  }
}
