// What a page leaves behind that is loaded anew in mid-call, so that the next one has the call back.

const storageKey = "doorward.resumption";

/** `resumption` is the daemon's secret; `isTalking` whether the microphone was on, `isIntercom` whether the call was without the door. */
export function leave({ resumption, isTalking, isIntercom }) {
    try {
        sessionStorage.setItem(storageKey, JSON.stringify({ resumption, isTalking, isIntercom }));
    } catch {
        // No storage: the call ends when its time to wait is over.
    }
}

/** What was left, once: a tab that is duplicated does not take the call from the one that has it. */
export function take() {
    try {
        const left = JSON.parse(sessionStorage.getItem(storageKey));
        sessionStorage.removeItem(storageKey);
        return left;
    } catch {
        return null;
    }
}
