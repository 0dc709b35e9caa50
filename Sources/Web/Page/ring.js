// A ring at the door, from the press of the button to its end on this page.

/** The daemon ends a ring with `call-hangup`; should that get lost, the page stops by itself this much later. */
const graceAfterExpiry = 1_500;

/** Event `change` whenever `current` or the visits' list changed. */
export class Ring extends EventTarget {
    /** `{ call, from, startedAt, expiresAt }` while it rings here, else null. */
    current = null;
    #visits;
    #ringer;
    #titleOf;
    #expiry = 0;

    constructor({ visits, ringer, titleOf }) {
        super();
        this.#visits = visits;
        this.#ringer = ringer;
        this.#titleOf = titleOf;
    }

    /** A `call-incoming`. `timeout` is how long a whole ring lasts, in milliseconds. */
    began({ call, from, expiresInMs }, timeout) {
        const now = Date.now();
        // The board's clock may be wrong (many have no battery), so the ring's age is told by what is left of it.
        const startedAt = now - Math.max(0, timeout - expiresInMs);
        this.#silence();
        this.current = { call, from, startedAt, expiresAt: now + expiresInMs };
        this.#visits.began({ call, at: startedAt });
        this.#ringer.start(this.#titleOf(from.name));
        this.#expiry = setTimeout(() => this.ended(call, "missed"), expiresInMs + graceAfterExpiry);
        this.#changed();
    }

    /** This page answered or declined: it falls silent at once, and the daemon's word settles the outcome. */
    decided(outcome) {
        const { call } = this.current;
        this.#silence();
        this.#visits.became(call, outcome);
        this.#changed();
        return call;
    }

    /** The ring is over, or its outcome became known after this page had decided. */
    ended(call, outcome, by = null) {
        if (this.current?.call === call) this.#silence();
        const visit = this.#visits.find(call);
        // "You declined" says more than that in the end everybody did, or that nobody answered.
        const saysLess = visit?.outcome === "declined" && outcome !== "answered";
        if (visit && !saysLess) this.#visits.became(call, outcome, by);
        this.#changed();
    }

    /** The connection went, and with it the news of how the ring goes on. */
    lost() {
        if (this.current) this.ended(this.current.call, "lost");
    }

    isKnown(call) {
        return this.#visits.find(call) !== undefined;
    }

    #silence() {
        clearTimeout(this.#expiry);
        if (this.current) this.#ringer.stop();
        this.current = null;
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}
