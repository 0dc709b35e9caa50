// The WebSocket to the daemon: JSON messages as Sources/Calls/PROTOCOL.md describes them, reconnected for as long as the
// page is open.

const firstDelay = 400;
const longestDelay = 10_000;
/** A connection attempt that has neither opened nor failed by then is given up (a silent network would take minutes). */
const openTimeout = 8_000;

/**
 * Events: `open`; `message` (detail: the message); `closed` (detail: `{ retryAt }`, milliseconds since the epoch).
 * After each `open` the daemon knows this page under a new id, told by its `welcome`.
 */
export class Signalling extends EventTarget {
    #url;
    #socket = null;
    #attempt = 0;
    #retryTimer = 0;
    #openTimer = 0;

    constructor(url) {
        super();
        this.#url = url;
        addEventListener("online", () => this.#retryNow());
        // A network that went away leaves the socket open for minutes; the browser knows better.
        addEventListener("offline", () => this.#lose());
        document.addEventListener("visibilitychange", () => {
            if (document.visibilityState === "visible") this.#retryNow();
        });
    }

    open() {
        if (this.#socket !== null) return;
        clearTimeout(this.#retryTimer);
        this.#retryTimer = 0;
        const socket = new WebSocket(this.#url);
        this.#socket = socket;
        this.#openTimer = setTimeout(() => this.#lose(), openTimeout);
        socket.addEventListener("open", () => {
            if (socket !== this.#socket) return;
            clearTimeout(this.#openTimer);
            this.#attempt = 0;
            this.dispatchEvent(new Event("open"));
        });
        socket.addEventListener("message", ({ data }) => {
            if (socket === this.#socket) this.#receive(data);
        });
        socket.addEventListener("close", () => {
            if (socket === this.#socket) this.#lose();
        });
    }

    /** Leaves, and stays away until it is opened again. */
    close() {
        clearTimeout(this.#retryTimer);
        clearTimeout(this.#openTimer);
        this.#retryTimer = 0;
        this.#attempt = 0;
        const socket = this.#socket;
        this.#socket = null;
        socket?.close();
    }

    /** Sends a message; false when there is no connection, and then the message is gone. */
    send(message) {
        if (this.#socket?.readyState !== WebSocket.OPEN) return false;
        this.#socket.send(JSON.stringify(message));
        return true;
    }

    #receive(data) {
        let message;
        try {
            message = JSON.parse(data);
        } catch {
            console.warn("doorward: a message that is not JSON was left out");
            return;
        }
        this.dispatchEvent(new CustomEvent("message", { detail: message }));
    }

    #lose() {
        if (this.#socket === null) return;
        clearTimeout(this.#openTimer);
        const socket = this.#socket;
        this.#socket = null;
        socket.close();
        // Full jitter over the upper half, so that a house full of tablets does not knock at the same moment.
        const delay = Math.min(longestDelay, firstDelay * 2 ** this.#attempt) * (0.5 + Math.random() / 2);
        this.#attempt += 1;
        this.#retryTimer = setTimeout(() => this.open(), delay);
        this.dispatchEvent(new CustomEvent("closed", { detail: { retryAt: Date.now() + delay } }));
    }

    #retryNow() {
        if (this.#retryTimer !== 0) this.open();
    }
}
