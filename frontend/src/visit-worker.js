// The service worker of a customer's private page: it shows notifications and does nothing else. The server writes a line
// before this script: self.SHELL = {icon}.
import { showPushed } from "./push-shown.js";

self.addEventListener("install", () => self.skipWaiting());
showPushed(self.SHELL.icon);
