// The <video> element: plays the call's stream, notices its first frame, and owns its sound.

const storageKey = "doorward.volume";

/**
 * Events: `frame`, the first frame of the stream given last; `change` of `isSoundBlocked`, `isMuted` or `volume`.
 */
export class Picture extends EventTarget {
    /** The browser plays the picture only without sound until the user asks for it. */
    isSoundBlocked = false;
    #video;
    #stream = null;
    #frameCallback = 0;

    constructor(video) {
        super();
        this.#video = video;
        const stored = Number.parseFloat(storedVolume() ?? "1");
        video.volume = stored >= 0 && stored <= 1 ? stored : 1;
        video.addEventListener("volumechange", () => this.#changed());
        // In a hidden tab no frame is presented; the first decoded one still gives the element its size.
        video.addEventListener("resize", () => {
            if (video.videoWidth > 0) this.#frameArrived(this.#stream);
        });
    }

    get isMuted() {
        return this.#video.muted && !this.isSoundBlocked;
    }

    get volume() {
        return this.#video.volume;
    }

    set volume(volume) {
        this.#video.volume = volume;
        try {
            localStorage.setItem(storageKey, String(volume));
        } catch {
            // No storage: the volume lives as long as the page.
        }
    }

    /** Width over height of the picture, or null before there is one. */
    get aspectRatio() {
        return this.#video.videoWidth > 0 ? this.#video.videoWidth / this.#video.videoHeight : null;
    }

    /** Plays a stream, whose tracks may still be to come. */
    show(stream) {
        this.#forgetFrame();
        this.#stream = stream;
        this.#video.srcObject = stream;
        if (this.#video.requestVideoFrameCallback) {
            this.#frameCallback = this.#video.requestVideoFrameCallback(() => this.#frameArrived(stream));
        }
        this.#play();
    }

    clear() {
        this.#forgetFrame();
        this.#video.srcObject = null;
        this.isSoundBlocked = false;
        this.#changed();
    }

    /** Only with sound asked for by a touch does a strict browser give it. */
    unblockSound() {
        this.#video.muted = false;
        this.isSoundBlocked = false;
        this.#play();
        this.#changed();
    }

    setMuted(isMuted) {
        this.#video.muted = isMuted;
    }

    async #play() {
        try {
            await this.#video.play();
        } catch (error) {
            // AbortError: another stream took this one's place.
            if (error.name !== "NotAllowedError" || this.isSoundBlocked) return;
            this.isSoundBlocked = true;
            this.#video.muted = true;
            this.#changed();
            await this.#play();
        }
    }

    #frameArrived(stream) {
        if (stream === null || stream !== this.#stream) return;
        this.#forgetFrame();
        this.dispatchEvent(new Event("frame"));
    }

    #forgetFrame() {
        this.#stream = null;
        if (this.#frameCallback !== 0) this.#video.cancelVideoFrameCallback(this.#frameCallback);
        this.#frameCallback = 0;
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}

function storedVolume() {
    try {
        return localStorage.getItem(storageKey);
    } catch {
        return null;
    }
}
