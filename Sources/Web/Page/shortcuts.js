// Single-key shortcuts, which can be turned off (WCAG 2.1, 2.1.4).

const storageKey = "doorward.shortcuts";

/** Calls `actions[key]` when a letter is pressed alone, outside text fields. */
export class Shortcuts {
    isOn = true;

    constructor(actions) {
        try {
            this.isOn = localStorage.getItem(storageKey) !== "off";
        } catch {
            // No storage: on, as at first.
        }
        addEventListener("keydown", (event) => {
            const isTyping = event.target instanceof HTMLSelectElement || (event.target instanceof HTMLInputElement && event.target.type === "text");
            const isCommand = event.ctrlKey || event.metaKey || event.altKey;
            if (!this.isOn || isTyping || isCommand || event.repeat || document.querySelector("dialog[open]")) return;
            const action = actions[event.key.toLowerCase()];
            if (!action) return;
            event.preventDefault();
            action();
        });
    }

    turn(isOn) {
        this.isOn = isOn;
        try {
            localStorage.setItem(storageKey, isOn ? "on" : "off");
        } catch {
            // No storage: until the page is closed.
        }
    }
}
