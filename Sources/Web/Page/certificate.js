// The page that tells how a device comes to trust this door. It is served over plain HTTP, too, for a browser that does
// not trust yet shows nothing else; and leaves for HTTPS by itself as soon as the browser does.

import { strings } from "./strings.js";

const texts = strings.certificate;
const element = (id) => document.getElementById(id);
/** How often it looks whether the browser trusts HTTPS by now, in milliseconds. */
const period = 3000;

/** Which of `strings.certificate.platforms` this browser runs on. */
function platform() {
    const agent = navigator.userAgent;
    // An iPad calls itself a Mac, but no Mac has a touch screen.
    if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return "ios";
    if (/Android/.test(agent)) return "android";
    if (/Firefox/.test(agent)) return "firefox";
    if (/Windows/.test(agent)) return "windows";
    return /Macintosh/.test(agent) ? "macos" : "linux";
}

function drawPlatforms(mine) {
    const names = Object.keys(texts.platforms).sort((one, other) => (other === mine) - (one === mine));
    element("platforms").replaceChildren(
        ...names.map((name) => {
            const { title, steps } = texts.platforms[name];
            const box = Object.assign(document.createElement("details"), { open: name === mine });
            const list = document.createElement("ol");
            list.append(...steps.map((step) => Object.assign(document.createElement("li"), { textContent: step })));
            box.append(Object.assign(document.createElement("summary"), { textContent: title }), list);
            return box;
        }),
    );
}

/** Whether this browser takes the certificate at `origin`. */
async function isTrusted(origin) {
    try {
        return (await fetch(`${origin}/certificate/trusted`, { cache: "no-store" })).ok;
    } catch {
        return false;
    }
}

async function goOnWhenTrusted(origin) {
    if (await isTrusted(origin)) {
        element("status").textContent = texts.trusted;
        // with the code or the invitation that the link may have had
        location.replace(`${origin}/${location.hash}`);
    } else {
        setTimeout(() => goOnWhenTrusted(origin), period);
    }
}

function draw({ door, fingerprint, securePort }) {
    const isSecure = location.protocol === "https:";
    const port = Number(location.port || (isSecure ? 443 : 80));
    const origin = isSecure && port === securePort ? location.origin : `https://${location.hostname}${securePort === 443 ? "" : `:${securePort}`}`;
    element("door-name").textContent = door;
    element("onward").href = `${origin}/${location.hash}`;
    // With the owner's own certificate there is nothing to install.
    const isOurs = fingerprint !== null;
    element("heading").textContent = isOurs ? texts.heading : texts.ownHeading;
    element("why").textContent = isOurs ? texts.why : texts.ownWhy;
    for (const id of ["download", "code", "steps", "comparison"]) element(id).hidden = !isOurs;
    element("fingerprint").textContent = fingerprint ?? "";
    if (isSecure) return;
    element("status").textContent = texts.waiting;
    goOnWhenTrusted(origin);
}

document.documentElement.lang = strings.language;
for (const node of document.querySelectorAll("[data-text]")) node.textContent = texts[node.dataset.text];
element("code").querySelector("img").alt = texts.codeAlternative;
drawPlatforms(platform());
draw(await (await fetch("certificate/status", { cache: "no-store" })).json());
