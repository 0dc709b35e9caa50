// The noise of a ring: a chime, vibration and the flashing title of the tab.

const chimeInterval = 2_600;
const titleInterval = 900;
/** How long a resumed AudioContext may take to run before the ring counts as silent. */
const resumePatience = 400;

/**
 * For the door two struck bars, a major third apart, the way a mechanical door chime sounds; for a person, three rising:
 * [start in s, frequency in Hz].
 */
const chimes = {
    door: [[0, 659.26], [0.55, 523.25]],
    person: [[0, 523.25], [0.22, 659.26], [0.44, 783.99]],
};
/** The partials of a struck bar: [ratio to the fundamental, loudness, decay in s]. */
const partials = [[1, 0.5, 1.5], [2.76, 0.16, 0.55], [5.4, 0.06, 0.22]];

/** Event `change` when `isLocked` changes: whether sound is withheld and a touch of the page would bring it. */
export class Ringer extends EventTarget {
    isLocked = false;
    #context = null;
    #ringing = null;
    #plainTitle = document.title;

    constructor() {
        super();
        // Where the browser's policy allows sound without a touch, this finds it out.
        this.unlock();
        const gestures = ["pointerup", "keydown"];
        const onGesture = () => {
            this.unlock();
            if (navigator.userActivation?.hasBeenActive ?? true) gestures.forEach((name) => removeEventListener(name, onGesture));
        };
        gestures.forEach((name) => addEventListener(name, onGesture, { capture: true }));
    }

    /** Tries to get sound; after the first touch of the page it succeeds. */
    async unlock() {
        this.#context ??= this.#makeContext();
        await this.#resume();
        if (!this.#ringing) this.#rest();
    }

    /** `chime` is a key of `chimes`. */
    start(title, chime = "door") {
        this.stop();
        const ringing = { timers: [], hasSounded: false };
        this.#ringing = ringing;
        const every = (interval, action) => {
            action();
            ringing.timers.push(setInterval(action, interval));
        };
        every(chimeInterval, () => this.#sound(ringing, chimes[chime]));
        let isFlashed = false;
        every(titleInterval, () => {
            isFlashed = !isFlashed || matchMedia("(prefers-reduced-motion: reduce)").matches;
            document.title = isFlashed ? title : this.#plainTitle;
        });
    }

    stop() {
        if (!this.#ringing) return;
        this.#ringing.timers.forEach(clearInterval);
        this.#ringing = null;
        document.title = this.#plainTitle;
        navigator.vibrate?.(0);
        this.#rest();
    }

    /** The title shown while nothing rings. */
    set plainTitle(title) {
        this.#plainTitle = title;
        if (!this.#ringing) document.title = title;
    }

    async #sound(ringing, strokes) {
        // Chromium logs an intervention for a vibration before the first touch.
        if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([350, 150, 350]);
        if (!(await this.#resume()) || this.#ringing !== ringing) return;
        const start = this.#context.currentTime + 0.02;
        for (const [offset, frequency] of strokes) this.#strike(start + offset, frequency);
    }

    #strike(start, frequency) {
        for (const [ratio, loudness, decay] of partials) {
            const oscillator = new OscillatorNode(this.#context, { frequency: frequency * ratio });
            const envelope = new GainNode(this.#context, { gain: 0 });
            envelope.gain.setValueAtTime(0, start);
            envelope.gain.linearRampToValueAtTime(loudness, start + 0.006);
            envelope.gain.exponentialRampToValueAtTime(0.0004, start + decay);
            oscillator.connect(envelope).connect(this.#context.destination);
            oscillator.start(start);
            oscillator.stop(start + decay + 0.05);
        }
    }

    #makeContext() {
        const context = new AudioContext({ latencyHint: "interactive" });
        // A sound device may take longer to open than anybody waits for it; late is not locked.
        context.addEventListener("statechange", () => {
            if (context.state === "running") this.#setLocked(false);
        });
        return context;
    }

    async #resume() {
        // A blocked context's resume() stays pending until a touch, so it is not waited for alone.
        const patience = new Promise((resolve) => setTimeout(resolve, resumePatience));
        await Promise.race([this.#context.resume().catch(() => {}), patience]);
        const isRunning = this.#context.state === "running";
        // Silent in spite of a touch: there is no sound device, and asking for another touch would be a lie.
        this.#setLocked(!isRunning && !(navigator.userActivation?.hasBeenActive ?? false));
        return isRunning;
    }

    #setLocked(isLocked) {
        if (isLocked === this.isLocked) return;
        this.isLocked = isLocked;
        this.dispatchEvent(new Event("change"));
    }

    /** A running context keeps the sound device open and a phone awake. */
    #rest() {
        if (this.#context?.state === "running") this.#context.suspend();
    }
}
