// The viewer's microphone: asked for only when he wants to talk, and when it cannot be had, why.

/** Why `getUserMedia` refused, as a key of `strings.talking`. */
function problemOf(error) {
    switch (error.name) {
        case "NotAllowedError":
        case "SecurityError":
            // Chromium tells a closed question from a refusal; asking again helps only with the first.
            return /dismissed/i.test(error.message) ? "dismissed" : "denied";
        case "NotFoundError":
        case "OverconstrainedError":
            return "missing";
        case "NotReadableError":
        case "AbortError":
            return "busy";
        default:
            return "other";
    }
}

/**
 * `phase` is "off", "asking", "on" or "muted"; `problem` is null or the key of the reason why it is off.
 * Event `change` after every change of either.
 */
export class Microphone extends EventTarget {
    phase = "off";
    problem = null;
    track = null;
    #asking = null;

    /** Asks for the microphone unless it is open already; resolves to its track, or null with `problem` set. */
    open() {
        if (this.track) {
            this.setMuted(false);
            return Promise.resolve(this.track);
        }
        this.#asking ??= this.#ask().finally(() => {
            this.#asking = null;
        });
        return this.#asking;
    }

    /** A muted microphone stays open and sends silence, so that unmuting is immediate. */
    setMuted(isMuted) {
        if (!this.track) return;
        this.track.enabled = !isMuted;
        this.#change(isMuted ? "muted" : "on", null);
    }

    /** Gives the microphone back to the system; its indicator goes out. */
    close() {
        this.track?.stop();
        this.track = null;
        if (this.phase !== "off") this.#change("off", null);
    }

    dismissProblem() {
        this.#change(this.phase, null);
    }

    async #ask() {
        // Outside a secure context the whole interface is missing (mediacapture-streams §9.1).
        if (!navigator.mediaDevices?.getUserMedia) return this.#refuse("insecure");
        this.#change("asking", null);
        try {
            const media = await navigator.mediaDevices.getUserMedia({
                audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
            });
            const [track] = media.getAudioTracks();
            // Closed while the question stood: the call is over, so nobody may listen.
            if (this.phase !== "asking") {
                track.stop();
                return null;
            }
            track.addEventListener("ended", () => this.#lost(track));
            this.track = track;
            this.#change("on", null);
            return track;
        } catch (error) {
            return this.phase === "asking" ? this.#refuse(problemOf(error)) : null;
        }
    }

    #refuse(problem) {
        this.#change("off", problem);
        return null;
    }

    #lost(track) {
        if (track !== this.track) return;
        this.track = null;
        this.#change("off", "lost");
    }

    #change(phase, problem) {
        this.phase = phase;
        this.problem = problem;
        this.dispatchEvent(new Event("change"));
    }
}
