// A pin that a person puts on the right house: dragged, or moved with the arrow keys.
import L from "leaflet";

const STEP_PX = 8;
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

const pinIcon = () => L.divIcon({ className: "map-place", html: "<span></span>", iconSize: null });

export function addPlace(map, position) {
  L.marker(position, { icon: pinIcon(), keyboard: false, interactive: false }).addTo(map);
}

/** Writes the pin's place into the two fields, which a `change` event announces to the rest of the page. */
export function addPin(map, element, position) {
  const latitude = document.getElementById(element.dataset.latitudeField);
  const longitude = document.getElementById(element.dataset.longitudeField);
  const pin = L.marker(position, { icon: pinIcon(), draggable: true, autoPan: true, alt: element.dataset.pinLabel }).addTo(map);

  const store = () => {
    const { lat, lng } = pin.getLatLng().wrap();
    latitude.value = lat.toFixed(6);
    longitude.value = lng.toFixed(6);
    latitude.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const move = (latlng) => {
    pin.setLatLng(latlng);
    map.panInside(latlng, { padding: [40, 40] });
    store();
  };
  pin.on("dragend", store);
  map.on("click", ({ latlng }) => move(latlng));
  const handle = pin.getElement();
  handle.setAttribute("aria-label", element.dataset.pinLabel);
  handle.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? STEP_PX * 5 : STEP_PX;
    move(map.containerPointToLatLng(map.latLngToContainerPoint(pin.getLatLng()).add(L.point(arrow).multiplyBy(step))));
  });
}
