// The viewer's own camera, which he shows the others in the call, and nobody at the door, only where he chooses to.

/** `phase` is "off", "asking" or "on"; `problem` is null or a key of `strings.camera`. Event `change` after every change of either. */
export class Camera extends EventTarget {
    phase = "off";
    problem = null;
    track = null;

    async open() {
        if (this.phase !== "off") return;
        if (!navigator.mediaDevices?.getUserMedia) return this.#change("off", "insecure");
        this.#change("asking");
        try {
            const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360, frameRate: { max: 24 }, facingMode: "user" } });
            const [track] = media.getVideoTracks();
            // Switched off, or the call over, while the question stood.
            if (this.phase !== "asking") return track.stop();
            track.addEventListener("ended", () => {
                if (track === this.track) this.close();
            });
            this.track = track;
            this.#change("on");
        } catch (error) {
            if (this.phase === "asking") this.#change("off", error.name === "NotAllowedError" ? "denied" : "missing");
        }
    }

    /** Gives the camera back to the system; its light goes out. */
    close() {
        this.track?.stop();
        this.track = null;
        if (this.phase !== "off") this.#change("off");
    }

    #change(phase, problem = null) {
        this.phase = phase;
        this.problem = problem;
        this.dispatchEvent(new Event("change"));
    }
}
