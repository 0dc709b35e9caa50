// The dialog over everything while it rings.

import { strings } from "./strings.js";
import { element, setHidden, setText } from "./view.js";

/** A key meant for what was under the fingers when the dialog came up must not answer the door. */
const typingGuard = 400;

/** Opens, draws and closes the dialog as the state says; `accept` and `decline` are called by its buttons and keys. */
export class RingDialog {
    #dialog = element("ring");
    #openedAt = 0;
    /** The call that it is about, and since when it is that and not the one before: the finger may be on its way already. */
    #call = null;
    #replacedAt = -Infinity;

    constructor({ accept, decline }) {
        const unlessTyped = (action) => (event) => {
            // detail 0: the click comes from the keyboard.
            const guarded = event.detail === 0 ? this.#openedAt : this.#replacedAt;
            const isTooSoon = performance.now() - guarded < typingGuard;
            if (isTooSoon) event.preventDefault();
            else action();
        };
        element("accept").addEventListener("click", unlessTyped(accept));
        element("decline").addEventListener("click", unlessTyped(decline));
        // Escape, or a phone's back gesture.
        this.#dialog.addEventListener("cancel", (event) => {
            event.preventDefault();
            unlessTyped(decline)(event);
        });
        // Enter anywhere in the dialog accepts, unless a button has the focus and takes it for itself.
        this.#dialog.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.target instanceof HTMLButtonElement || event.repeat) return;
            if (performance.now() - this.#openedAt >= typingGuard) accept();
        });
    }

    /** `ring` is the door's, or the call of somebody else in the house. */
    draw({ ring, isRingLocked, status, intercom }, now) {
        if (ring === null) {
            this.#call = null;
            if (this.#dialog.open) this.#dialog.close();
            return;
        }
        const isWatching = status.phase === "live" || status.phase === "interrupted";
        const left = Math.max(0, ring.expiresAt - now);
        const isDoor = ring.from.id === "door";
        const name = ring.from.name || strings.people.somebody;
        setText(element("ring-title"), isDoor ? strings.ring.title(name) : strings.intercom.title(name));
        element("ring-icon").setAttribute("href", isDoor ? "#icon-bell" : "#icon-phone");
        setText(element("ring-when"), strings.ring.when(ring.startedAt, now - ring.startedAt));
        setText(element("ring-left"), strings.ring.left(left));
        const leaving = intercom.phase === "talking" ? strings.intercom.leavingHint(intercom.other?.name || strings.people.somebody) : strings.ring.acceptHint;
        setText(element("ring-hint"), isWatching ? strings.ring.watchingHint : leaving);
        setHidden(element("ring-silent"), !isRingLocked);
        element("ring-left-bar").style.setProperty("--left", String(left / (ring.expiresAt - ring.startedAt)));
        this.#dialog.dataset.silent = String(isRingLocked);
        this.#dialog.dataset.watching = String(isWatching);
        if (ring.call !== this.#call) {
            this.#openedAt = performance.now();
            if (this.#call !== null) this.#replacedAt = this.#openedAt;
            this.#call = ring.call;
        }
        if (!this.#dialog.open) {
            // showModal gives the focus back, on closing, to what had it.
            this.#dialog.showModal();
            element("accept").focus();
        }
    }
}
