// Where the time goes between the press of the button and the first picture.

/** The steps in the order they are expected; some may swap on a fast network. */
export const steps = [
    "click", "call-accepted", "offer sent", "answer received", "ice connected", "dtls connected", "track", "first frame",
];

/** One call's start, step by step, each also a `performance.mark` named `doorward:<step>`. */
export class Timeline {
    #times = new Map();

    /** Records a step once; a later time for the same step is not a start any more. */
    mark(step) {
        if (this.#times.has(step)) return;
        this.#times.set(step, performance.now());
        performance.mark(`doorward:${step}`);
    }

    has(step) {
        return this.#times.has(step);
    }

    /** The milliseconds from the click to a step, or undefined before it happened. */
    since(step) {
        const start = this.#times.get("click");
        const time = this.#times.get(step);
        return start === undefined || time === undefined ? undefined : time - start;
    }

    /** `{ "call-accepted": 12.1, … }`: milliseconds from the click, in the order in which the steps happened. */
    toJSON() {
        const entries = [...this.#times].sort((one, other) => one[1] - other[1]);
        return Object.fromEntries(entries.map(([step]) => [step, Math.round(this.since(step) * 10) / 10]));
    }

    /** One line for the console. */
    toString() {
        const path = Object.entries(this.toJSON()).map(([step, time]) => `${step} ${Math.round(time)}`);
        return `first picture after ${Math.round(this.since("first frame"))} ms: ${path.join(", ")}`;
    }
}
