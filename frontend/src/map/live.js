// Somebody who comes nearer: an element of the page says where they are, each time that it is fetched anew, and
// for how many seconds that is worth showing. Without the element, or after that time, nobody is on the map.
import L from "leaflet";

const icon = () => L.divIcon({ className: "map-place map-coming", html: "<span></span>", iconSize: null });

export function addLive(map, id, home) {
  const marker = L.marker(home, { icon: icon(), keyboard: false, interactive: false });
  let end = 0;

  const hide = () => {
    document.getElementById(id)?.remove();
    marker.remove();
  };
  const show = () => {
    clearTimeout(end);
    const said = document.getElementById(id);
    if (!said) return hide();
    const { latitude, longitude, seconds } = said.dataset;
    marker.setLatLng([Number(latitude), Number(longitude)]).addTo(map);
    map.fitBounds(L.latLngBounds([home, marker.getLatLng()]), { padding: [32, 32], maxZoom: 15 });
    end = setTimeout(hide, Number(seconds) * 1000);
  };
  document.addEventListener("htmx:after:swap", show);
  show();
}
