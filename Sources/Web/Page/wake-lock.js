// Keeps the screen on while there is something to see.

export class WakeLock {
    #isWanted = false;
    #lock = null;

    constructor() {
        // The browser lets go of it whenever the page is hidden, and gives it again only when asked.
        document.addEventListener("visibilitychange", () => this.#update());
    }

    want(isWanted) {
        if (isWanted === this.#isWanted) return;
        this.#isWanted = isWanted;
        this.#update();
    }

    async #update() {
        if (!this.#isWanted) {
            const lock = this.#lock;
            this.#lock = null;
            await lock?.release();
            return;
        }
        // Outside a secure context, and in some browsers, there is none.
        if (document.hidden || !navigator.wakeLock || (this.#lock && !this.#lock.released)) return;
        try {
            const lock = await navigator.wakeLock.request("screen");
            if (this.#isWanted) this.#lock = lock;
            else await lock.release();
        } catch {
            // A battery that is nearly empty, or a rule of the system's: the screen goes dark as usual.
        }
    }
}
