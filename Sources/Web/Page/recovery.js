// How a connection that has lost its path gets it back, step by step: Sources/PeerConnection/ConnectionRecovery.swift for the page.

/** How long each step is given, in milliseconds. */
export const patience = {
    /** The door's own is shorter, so that of the two restarts it is the door's that comes first. */
    disconnected: 5_000,
    restart: 10_000,
    firstDelay: 500,
    longestDelay: 8_000,
    attempt: 12_000,
    limit: 60_000,
};

/**
 *   steady ─► waiting ─► restarting ─► delaying ◄─► reconnecting       and, at the limit, from everywhere: abandoned
 *
 * It is told what happened and when (`handle`), and gives back what to do: nothing (null), "restart" (ICE, on the present
 * connection), "end" (the present connection is of no use), "reconnect" or "abandon". `deadline` is when it wants to hear
 * "timePassed" at the latest; null for never.
 */
export class Recovery {
    state = "steady";
    attempt = 0;
    lostAt = null;
    #stepEnds = null;

    get deadline() {
        if (this.state === "abandoned" || this.lostAt === null) return null;
        return Math.min(this.#stepEnds ?? Infinity, this.lostAt + patience.limit);
    }

    /** When the next attempt begins, while one waits for its turn. */
    get retryAt() {
        return this.state === "delaying" ? this.#stepEnds : null;
    }

    /**
     * `what` is "connected", "disconnected" or "failed" (the connection's states), "ended" (it was closed, refused or never
     * answered), "reachable" (the door can be asked again) or "timePassed".
     */
    handle(what, now) {
        if (this.state === "abandoned") return null;
        const action = this.#next(what, now);
        if (this.lostAt === null || now < this.lostAt + patience.limit) return action;
        this.state = "abandoned";
        return "abandon";
    }

    #next(what, now) {
        switch (what) {
            case "connected":
                this.state = "steady";
                this.attempt = 0;
                this.lostAt = this.#stepEnds = null;
                return null;
            case "disconnected":
                if (this.state !== "steady") return null;
                this.lostAt = now;
                this.#enter("waiting", now + patience.disconnected);
                return null;
            case "failed":
                this.lostAt ??= now;
                return ["steady", "waiting"].includes(this.state) ? this.#restart(now) : this.#delay(now);
            case "ended":
                this.lostAt ??= now;
                return this.#delay(now);
            case "reachable":
                return ["delaying", "reconnecting"].includes(this.state) ? this.#reconnect(now) : null;
            default:
                if (this.#stepEnds === null || now < this.#stepEnds) return null;
                if (this.state === "waiting") return this.#restart(now);
                return this.state === "delaying" ? this.#reconnect(now) : this.#delay(now);
        }
    }

    #restart(now) {
        this.#enter("restarting", now + patience.restart);
        return "restart";
    }

    #delay(now) {
        if (this.state === "delaying") return null;
        this.attempt += 1;
        this.#enter("delaying", now + Math.min(patience.longestDelay, patience.firstDelay * 2 ** (this.attempt - 1)));
        return "end";
    }

    #reconnect(now) {
        this.#enter("reconnecting", now + patience.attempt);
        return "reconnect";
    }

    #enter(state, until) {
        this.state = state;
        this.#stepEnds = until;
    }
}
