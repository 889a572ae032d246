// The sign-in page: nobody is signed in, so nothing of anybody's customers stays on this device. What is unsent stays,
// sealed, for the one who wrote it.
import { forget } from "./phone/user.js";

if (isSecureContext && "indexedDB" in window && "caches" in window) forget();
