// By which way the door is reached: at home by its own WebSocket, from outside the house by the meeting point. Home comes first.

import { checkSession } from "./api.js";
import { Meeting } from "./meeting.js";
import { Signalling } from "./signalling.js";

/** How long home has to answer before the other way is begun. */
const homePatience = 2_000;

/**
 * Events as of `Signalling`: `message`; `closed` (detail: `{ retryAt, way, problem }`; `retryAt` is null where the door itself is awaited,
 * `problem` a key of `strings.outside.problems` or null); `home`, when home answers; and `tampered`, when somebody between changed or kept back messages.
 */
export class Ways extends EventTarget {
    #home = null;
    #outside = null;
    /** "home" or "outside", where there is a connection. */
    #way = null;
    #hadHome = false;
    #isBusy = false;
    #isStarted = false;
    #patience = 0;

    /** `url` is the door's WebSocket; null where no door is at this origin. */
    constructor({ url, enrolment }) {
        super();
        if (url !== null) this.#home = this.#listened(new Signalling(url), "home");
        this.#enrol(enrolment.record);
        enrolment.addEventListener("change", () => this.#enrol(enrolment.record));
        for (const event of ["online", "visibilitychange"]) {
            const target = event === "online" ? window : document;
            target.addEventListener(event, () => document.visibilityState === "visible" && this.#outside?.retry());
        }
    }

    /** "home" or "outside"; null while there is no connection. */
    get way() {
        return this.#way;
    }

    /** `isHomeSilent`: home was asked already, and had its time to answer. */
    open({ isHomeSilent }) {
        this.#isStarted = true;
        this.#home?.open();
        if (isHomeSilent) this.#goOutside();
        else this.#awaitHome();
    }

    /** Sends a message; false when there is no connection, and then the message is gone. */
    send(message) {
        const connection = { home: this.#home, outside: this.#outside }[this.#way];
        return connection?.send(message) ?? false;
    }

    /** What goes on stays on its way: while that is so, nothing moves home. */
    setBusy(isBusy) {
        if (isBusy === this.#isBusy) return;
        this.#isBusy = isBusy;
        if (this.#way !== "outside" || this.#home === null) return;
        if (isBusy) this.#home.close();
        else this.#home.open();
    }

    #enrol(record) {
        if (record === null) {
            this.#outside?.close();
            if (this.#way === "outside") this.#lost("outside", { retryAt: null, problem: "unknownKey" });
            this.#outside = null;
        } else if (this.#way !== "outside") {
            // What is new in it, such as another broker's address, holds from the next attempt on.
            this.#outside?.close();
            this.#outside = this.#listened(new Meeting(record), "outside");
            if (this.#isStarted && this.#way === null) this.#awaitHome();
        }
    }

    #listened(connection, way) {
        const whileHere = (action) => (event) => {
            if (connection === (way === "home" ? this.#home : this.#outside)) action(event.detail);
        };
        connection.addEventListener("open", whileHere(() => this.#opened(way)));
        connection.addEventListener("message", whileHere((message) => {
            if (this.#way === way) this.dispatchEvent(new CustomEvent("message", { detail: message }));
        }));
        connection.addEventListener("closed", whileHere((detail) => this.#lost(way, detail)));
        return connection;
    }

    #opened(way) {
        clearTimeout(this.#patience);
        // Home answers: what was begun by the other way is not needed. Both open at once only where home was just tried.
        if (way === "home") {
            this.#hadHome = true;
            this.#outside?.close();
        } else if (this.#isBusy) {
            this.#home?.close();
        }
        this.#way = way;
        if (way === "home") this.dispatchEvent(new Event("home"));
    }

    #lost(way, { retryAt, problem = null }) {
        if (problem === "tampered") this.dispatchEvent(new Event("tampered"));
        // Who was signed out is told so by home alone.
        if (way === "home") checkSession();
        if (this.#way !== null && this.#way !== way) return;
        const wasOpen = this.#way === way;
        this.#way = null;
        if (way === "outside") {
            if (wasOpen) this.#home?.open();
        } else if (wasOpen) {
            // A door that is started anew is back in a moment.
            this.#awaitHome();
        } else if (this.#outside !== null) {
            if (!this.#hadHome) this.#goOutside();
            // While the other way is tried, home's silence is not the news.
            return;
        }
        this.dispatchEvent(new CustomEvent("closed", { detail: { retryAt, way, problem } }));
    }

    #awaitHome() {
        clearTimeout(this.#patience);
        if (this.#home === null) this.#goOutside();
        else if (this.#outside !== null) this.#patience = setTimeout(() => this.#goOutside(), homePatience);
    }

    #goOutside() {
        clearTimeout(this.#patience);
        if (this.#way === null) this.#outside?.open();
    }
}
