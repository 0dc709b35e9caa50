// Calls between this page and that of somebody else in the house, without the door (Sources/Calls/PROTOCOL.md).

/** How long the end of a call is told, in milliseconds. */
const endTold = 8_000;
/** The end of a ring comes as a `call-hangup`; should that get lost, the page stops by itself this much later. */
const graceAfterExpiry = 1_500;

/**
 * `status.phase` is one of
 *   idle ─► calling ─► ringing ─► talking ─► ended ─► idle
 *     ├───► rung ─► answering ───┘
 *     └───► resuming ────────────┘
 *
 * `status.other` is the party called, calling or talked to; `status.call` the call's id, once there is one. Where this page is rung,
 * `startedAt` and `expiresAt` say how long; talking has `since`, `isAway` (the other's connection is lost) and `isInterrupted` (this
 * page's is); ended has `code`, a key of `strings.intercom.reasons`. Times are milliseconds since the epoch.
 * Event `change` after every change.
 */
export class Intercom extends EventTarget {
    status = { phase: "idle" };

    #send;
    #visits;
    #alarm;
    /** The calls of this kind, by their ids: what is said of them concerns nobody else. */
    #known = new Set();
    #timer = 0;
    /** The daemon's secret for a call of this page as it is connected now, and that of the call under way. */
    #resumption = null;
    #resumable = null;

    /** `alarm.start(name)` and `alarm.stop()`: the sound while somebody calls. */
    constructor({ send, visits, alarm }) {
        super();
        this.#send = send;
        this.#visits = visits;
        this.#alarm = alarm;
    }

    /** The id of the call that is talked in, else null. */
    get callId() {
        return this.status.phase === "talking" ? this.status.call : null;
    }

    /** Whether there is a call, or one is to be. */
    get isBusy() {
        return !["idle", "ended"].includes(this.status.phase);
    }

    /** `{ call, from, startedAt, expiresAt }` while somebody calls here, else null. */
    get rung() {
        const { phase, call, other, startedAt, expiresAt } = this.status;
        return phase === "rung" ? { call, from: other, startedAt, expiresAt } : null;
    }

    /** What the next page has this one's call back with; null where there is none. */
    get resumable() {
        return this.callId === null ? null : this.#resumable;
    }

    isKnown(call) {
        return this.#known.has(call);
    }

    // What the viewer does.

    /** Calls the participant `{ id, name }`. */
    call({ id, name }) {
        if (this.isBusy || !this.#send({ type: "call-initiate", recipient: id })) return;
        this.#become({ phase: "calling", other: { id, name } });
    }

    accept() {
        const { phase, call, other } = this.status;
        if (phase !== "rung" || !this.#send({ type: "call-accept", call })) return;
        this.#become({ phase: "answering", call, other });
    }

    decline() {
        const { phase, call } = this.status;
        if (phase !== "rung") return;
        this.#send({ type: "call-reject", call });
        this.#visits.became(call, "declined");
        this.#become({ phase: "idle" });
    }

    /** Ends the call, or takes it back; a page that goes away while it is rung declines nothing by that. */
    hangUp() {
        if (this.status.phase === "rung") return;
        if (this.status.call !== undefined) this.#send({ type: "call-hangup", call: this.status.call });
        this.#become({ phase: "idle" });
    }

    /** Has the call back of the page that was here before. */
    resume(resumption) {
        this.#become({ phase: "resuming" });
        this.#askForResumption(resumption);
    }

    // What the daemon says.

    /** The daemon is there (again), and knows this page under another name. */
    reachable(resumption) {
        this.#resumption = resumption;
        if (this.status.phase === "talking") this.#askForResumption(this.#resumable);
    }

    unreachable() {
        const { phase, call } = this.status;
        if (phase === "talking") return this.#become({ ...this.status, isInterrupted: true });
        if (phase === "rung") {
            this.#visits.became(call, "lost");
            this.#become({ phase: "idle" });
        } else if (this.isBusy) {
            this.#end("connection_lost");
        }
    }

    /** A `call-ringing`. */
    ringing({ call, to }) {
        this.#known.add(call);
        // taken back here before the daemon's word came
        if (this.status.phase === "calling") this.#become({ phase: "ringing", call, other: to });
        else this.#send({ type: "call-hangup", call });
    }

    /** A `call-incoming` from another viewer. */
    incoming({ call, from, expiresInMs }) {
        this.#known.add(call);
        const now = Date.now();
        if (this.status.phase === "calling" && this.status.other.id === from.id) {
            // both call each other: the daemon takes this page's call for an answer
            this.#become({ phase: "answering", call, other: from });
            return;
        }
        this.#visits.began({ call, at: now, from: from.name });
        this.#become({ phase: "rung", call, other: from, startedAt: now, expiresAt: now + expiresInMs });
        this.#after(expiresInMs + graceAfterExpiry, () => this.over({ call, reason: "unanswered" }));
    }

    /** A `call-accepted` of a known call. */
    accepted({ call }) {
        if (call !== this.status.call) return;
        this.#visits.became(call, "accepted");
        this.#talk(call, this.status.other, Date.now());
    }

    /** A `call-resumed`; false where it is none of a call like this. */
    resumed({ call, elapsedMs }) {
        const { phase, other, isInterrupted } = this.status;
        if (phase !== "resuming" && !(phase === "talking" && isInterrupted)) return false;
        this.#known.add(call);
        this.#talk(call, other, Date.now() - elapsedMs);
        return true;
    }

    /** A `call-members` of this call, told to this page as `selfId`. */
    membersChanged(members, selfId) {
        const { id, name, isAway } = members.find((member) => member.id !== selfId);
        this.#become({ ...this.status, other: { id, name }, isAway });
    }

    /** A `call-hangup` of a known call. */
    over({ call, reason, by }) {
        const { phase, other } = this.status;
        if (call !== this.status.call) return;
        if (phase === "rung") {
            const outcomes = { hangup: "missed", unanswered: "missed" };
            this.#visits.became(call, outcomes[reason] ?? "over");
            this.#become({ phase: "idle" });
        } else if (by !== undefined && by.id !== other?.id) {
            // this page's own doing, on its way to the door
            this.#become({ phase: "idle" });
        } else {
            this.#end(reason);
        }
    }

    /** A `call-error`; whether it was about such a call. */
    refused({ code, call, inReplyTo }) {
        const { phase, isInterrupted } = this.status;
        if (inReplyTo === "call-initiate" && phase === "calling") {
            this.#end(code);
        } else if (inReplyTo === "call-resume" && phase === "resuming") {
            this.#become({ phase: "idle" });
        } else if (inReplyTo === "call-resume" && phase === "talking" && isInterrupted) {
            this.#end("connection_lost");
        } else if (inReplyTo === "call-accept" && phase === "answering" && call === this.status.call) {
            this.#visits.became(call, "missed");
            this.#end("hangup");
        } else {
            return this.isKnown(call);
        }
        return true;
    }

    /** Lets it sound again that somebody calls, after something louder. */
    sound() {
        if (this.status.phase === "rung") this.#alarm.start(this.status.other.name);
    }

    #talk(call, other, since) {
        this.#resumable = this.#resumption;
        this.#become({ phase: "talking", call, other, since, isAway: false, isInterrupted: false });
    }

    /** Whether it is given or refused, the secret is of no more use. */
    #askForResumption(resumption) {
        this.#resumable = null;
        this.#send({ type: "call-resume", resumption, keepsMedia: false });
    }

    #end(code) {
        this.#become({ phase: "ended", other: this.status.other, code });
        this.#after(endTold, () => this.#become({ phase: "idle" }));
    }

    #after(delay, action) {
        this.#timer = setTimeout(action, delay);
    }

    #become(status) {
        const wasRung = this.status.phase === "rung";
        clearTimeout(this.#timer);
        this.status = status;
        if (wasRung) this.#alarm.stop();
        this.sound();
        this.dispatchEvent(new Event("change"));
    }
}
