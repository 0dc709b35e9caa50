// The button that talks: pressed once for an open microphone, or held for as long as one talks.

const storageKey = "doorward.pushToTalk";

export class TalkButton {
    isPushToTalk = false;
    #isHeld = false;
    #actions;

    /** `toggle` is called for a press, `begin` and `end` around a hold. */
    constructor(button, actions) {
        this.#actions = actions;
        try {
            this.isPushToTalk = localStorage.getItem(storageKey) === "on";
        } catch {
            // No storage: open, as at first.
        }
        button.addEventListener("pointerdown", (event) => {
            if (event.button === 0) this.#hold();
        });
        // Wherever the finger is when it is lifted.
        for (const type of ["pointerup", "pointercancel", "blur"]) addEventListener(type, () => this.#release());
        button.addEventListener("keydown", ({ key, repeat }) => {
            if ([" ", "Enter"].includes(key) && !repeat) this.#hold();
        });
        button.addEventListener("keyup", () => this.#release());
        button.addEventListener("blur", () => this.#release());
        button.addEventListener("contextmenu", (event) => {
            // A long touch is a hold here.
            if (this.isPushToTalk) event.preventDefault();
        });
        button.addEventListener("click", () => {
            if (!this.isPushToTalk) actions.toggle();
        });
    }

    /** Whether the microphone may be heard: always where it is open, else while the button is held. */
    get isOpen() {
        return !this.isPushToTalk || this.#isHeld;
    }

    turn(isPushToTalk) {
        this.#release();
        this.isPushToTalk = isPushToTalk;
        try {
            localStorage.setItem(storageKey, isPushToTalk ? "on" : "off");
        } catch {
            // No storage: until the page is closed.
        }
    }

    #hold() {
        if (!this.isPushToTalk || this.#isHeld) return;
        this.#isHeld = true;
        this.#actions.begin();
    }

    #release() {
        if (!this.#isHeld) return;
        this.#isHeld = false;
        this.#actions.end();
    }
}
