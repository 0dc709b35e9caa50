// Who this page is to the others: a name the viewer may change, kept in this browser.

const storageKey = "doorward.name";
const longest = 64;

function platformName() {
    const agent = navigator.userAgent;
    const known = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Mac OS", "Mac"], ["Windows", "Windows"], ["Linux", "Linux"]];
    return known.find(([pattern]) => agent.includes(pattern))?.[1] ?? "Browser";
}

export class Viewer {
    #name = "";

    constructor() {
        try {
            this.#name = localStorage.getItem(storageKey) ?? "";
        } catch {
            // No storage: the name lives as long as the page.
        }
    }

    /** The name the others see; until one is chosen, the kind of device. */
    get name() {
        return this.#name || platformName();
    }

    /** Takes a name; an empty one goes back to the kind of device. */
    set name(text) {
        // By code points, so that no half of a character is left at the end.
        this.#name = [...text.trim()].slice(0, longest).join("").trim();
        try {
            localStorage.setItem(storageKey, this.#name);
        } catch {
            // No storage: the name lives as long as the page.
        }
    }
}
