// What the stage and the list of those present tell of calls between two viewers.

import { strings } from "./strings.js";

/** Title and text over the picture; null where there is no such call to tell of. */
export function intercomStatusOf({ phase, other, code, isAway, isInterrupted }) {
    const texts = strings.intercom;
    const name = other?.name || strings.people.somebody;
    switch (phase) {
        case "calling":
            return { title: texts.calling(name), text: "", isBusy: true };
        case "ringing":
            return { title: texts.calling(name), text: texts.rings, isBusy: true };
        case "answering":
        case "resuming":
            return { title: texts.connecting, text: "", isBusy: true };
        case "talking":
            if (isInterrupted) return { title: texts.talking(name), text: texts.interrupted, isBusy: true };
            return { title: texts.talking(name), text: isAway ? texts.away(name) : "", isBusy: isAway };
        case "ended": {
            const text = texts.reasons[code] ?? texts.reasons.other;
            return { title: texts.ended, text: text(name) };
        }
        default:
            return null;
    }
}

/** Which of the bar's faces such a call needs; null for none. */
export function intercomFaceOf({ phase }) {
    if (phase === "talking") return "controls";
    return ["calling", "ringing", "answering", "resuming"].includes(phase) ? "cancel" : null;
}

/** The button that calls a participant. */
export function callButton({ id, name }) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small small-soft", textContent: strings.intercom.call });
    button.dataset.participant = id;
    button.setAttribute("aria-label", strings.intercom.callSomebody(name));
    return button;
}
