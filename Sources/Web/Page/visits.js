// The list of rings this page saw and what became of each; it outlives a reload of the tab.

const storageKey = "doorward.visits";
const longest = 20;

/** Outcomes: "ringing", "missed", "declined", "rejected", "accepted", "answered" (by somebody else), "lost", "over". */
export class Visits {
    list = [];

    constructor() {
        try {
            const stored = JSON.parse(sessionStorage.getItem(storageKey)) ?? [];
            // What rang when the tab went away was not followed to its end.
            this.list = stored.map((visit) => (visit.outcome === "ringing" ? { ...visit, outcome: "lost" } : visit));
        } catch {
            // No storage, or not ours: the list starts empty.
        }
    }

    /** A ring of the door, or the call of somebody whose name is `from`. */
    began({ call, at, from }) {
        this.#replace([{ call, at, from, outcome: "ringing", by: null }, ...this.list.filter((visit) => visit.call !== call)]);
    }

    /** A later outcome replaces an earlier one: declined here, then answered by somebody else. */
    became(call, outcome, by = null) {
        this.#replace(this.list.map((visit) => (visit.call === call ? { ...visit, outcome, by } : visit)));
    }

    find(call) {
        return this.list.find((visit) => visit.call === call);
    }

    clear() {
        this.#replace(this.list.filter((visit) => visit.outcome === "ringing"));
    }

    #replace(list) {
        this.list = list.slice(0, longest);
        try {
            sessionStorage.setItem(storageKey, JSON.stringify(this.list));
        } catch {
            // No storage: the list lives as long as the page.
        }
    }
}
