// Keeps the page's files, so that the page opens where its server is out of reach. What the server says comes first; nothing but
// these files is touched.

const cacheName = "doorward-page";

/** The files of the page; PageFileTests sees to it that none is left out. */
const files = [
    "api.js", "app.js", "call.js", "camera.js", "chat.js", "conversation.js", "door-settings.js", "encoding.js",
    "english.js", "enrolment.js", "formats.js", "german.js", "household.css", "household.js", "icon.svg",
    "index.html", "intercom-view.js", "intercom.js", "language.js", "link.js", "manifest.webmanifest",
    "meeting.js", "members.js", "mesh.js", "microphone.js", "mqtt-packets.js", "mqtt.js", "noise.js", "panels.js",
    "picture.js", "recovery.js", "resumption.js", "ring-dialog.js", "ring.js", "ringer.js", "session.js",
    "shortcuts.js", "sign-in.js", "signalling.js", "small-window.js", "snapshot.js", "start.js", "statistics.js",
    "strings.js", "style.css", "talk-button.js", "ticker.js", "timeline.js", "view.js", "viewer.js", "visits.js",
    "wake-lock.js", "ways.js",
];

/** How long the server has to answer: for the page itself, and for what belongs to a page that came from it. */
const pagePatience = 2_000;
const filePatience = 8_000;

/** Tabs whose page came from here: its files do, too, so that they belong together. */
const keptClients = new Set();

/** Which of the files a URL names; null for none. */
function fileAt(url) {
    const scope = new URL(self.registration.scope);
    const { origin, pathname } = new URL(url);
    if (origin !== scope.origin || !pathname.startsWith(scope.pathname)) return null;
    const name = pathname.slice(scope.pathname.length) || "index.html";
    return files.includes(name) ? name : null;
}

const addressOf = (name) => new URL(name, self.registration.scope).href;

async function kept(name) {
    const cache = await caches.open(cacheName);
    return cache.match(addressOf(name), { ignoreVary: true });
}

async function fromServer(request, name) {
    const response = await fetch(request);
    if (response.ok && !response.redirected && response.type === "basic") {
        const cache = await caches.open(cacheName);
        await cache.put(addressOf(name), response.clone());
    }
    return response;
}

/** The server's answer; where that does not come, what was kept. */
async function answer(event, name) {
    const isPage = event.request.mode === "navigate";
    const client = isPage ? event.resultingClientId : event.clientId;
    if (!isPage && keptClients.has(client)) {
        const found = await kept(name);
        if (found) return found;
    }
    const asked = fromServer(event.request, name);
    const late = new Promise((resolve) => setTimeout(resolve, isPage ? pagePatience : filePatience, null));
    const response = await Promise.race([asked, late]).catch(() => null);
    if (response !== null) return response;
    const found = await kept(name);
    if (!found) return asked;
    asked.catch(() => {});
    if (isPage) keptClients.add(client);
    return found;
}

self.addEventListener("install", (event) => {
    const keepAll = async () => {
        const cache = await caches.open(cacheName);
        // As the server has them now, whatever the browser remembers of them.
        await cache.addAll(files.map((name) => new Request(addressOf(name), { cache: "no-cache" })));
        await self.skipWaiting();
    };
    event.waitUntil(keepAll());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
    if (event.request.method !== "GET") return;
    const name = fileAt(event.request.url);
    if (name !== null) event.respondWith(answer(event, name));
});
