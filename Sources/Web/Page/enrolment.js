// What this browser has to reach its door from outside the house: a key of its own, the door's, and the broker where they meet.

import { deviceName, request } from "./api.js";
import { fromBase64URL, toBase64URL, toHex } from "./encoding.js";
import { Meeting } from "./meeting.js";
import { makeKeys, publicBytes, sha256 } from "./noise.js";

const databaseName = "doorward";
const storeName = "meetings";
const choiceKey = "doorward.door";
const keyLength = 32;
/** Milliseconds for a first meeting by an invitation; longer than a meeting takes to say what is wrong. */
const joinPatience = 15_000;

/** Whether this page is a copy on a web host of its own: no door is at its origin. */
export const isCopy = document.documentElement.dataset.door === "elsewhere";

const done = (request) =>
    new Promise((resolve, reject) => {
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => reject(request.error));
    });

async function inStore(mode, action) {
    const opening = indexedDB.open(databaseName, 1);
    opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(storeName));
    const database = await done(opening);
    try {
        return await done(action(database.transaction(storeName, mode).objectStore(storeName)));
    } finally {
        database.close();
    }
}

/** What the daemon tells of itself, as it is kept here. */
const recordOf = ({ door, key, name, broker }) => ({ door, doorKey: key, name, broker });

/** The door's id is made of its key, so that one goes with the other. */
async function isSound({ door, doorKey, name, broker }) {
    try {
        const key = fromBase64URL(doorKey);
        const id = toHex((await sha256(key)).slice(0, 16));
        const isBroker = ["ws:", "wss:"].includes(new URL(broker.url).protocol);
        const isTopic = broker.topic === undefined || typeof broker.topic === "string";
        return key.length === keyLength && door === id && typeof name === "string" && isBroker && isTopic;
    } catch {
        return false;
    }
}

/**
 * `record` is `{ door, doorKey, name, broker: { url, username?, password?, topic? }, keys }`; null where this browser is not enrolled.
 * Event `change` after every change of it.
 */
class Enrolment extends EventTarget {
    record = null;
    /** The keys of an attempt to join, for the next: the door may have taken them, and its answer got lost. */
    #joiningKeys = null;

    /** Whether this browser can keep such keys at all. */
    get isPossible() {
        return isSecureContext && Boolean(globalThis.crypto?.subtle) && typeof indexedDB !== "undefined";
    }

    /** Takes up what was kept. */
    async load() {
        if (!this.isPossible) return;
        try {
            const records = await inStore("readonly", (store) => store.getAll());
            this.record = records.find(({ door }) => door === localStorage.getItem(choiceKey)) ?? records.at(-1) ?? null;
        } catch (error) {
            console.warn(`doorward: what was kept cannot be read: ${error.message}`);
        }
    }

    /** At home, signed in: makes this page's key known to the door, and learns where to meet it. */
    async renew() {
        if (!this.isPossible) return;
        try {
            let keys = this.record?.keys ?? (await makeKeys());
            let answer = await offer(keys);
            if (answer.status === 409) {
                // Whoever used this browser before is known by that key.
                keys = await makeKeys();
                answer = await offer(keys);
            }
            if (answer.status === 200) await this.#keep({ ...recordOf(answer.data), keys });
            else if (answer.status !== 0) console.warn(`doorward: the door does not meet this page outside: ${answer.status}`);
        } catch (error) {
            // Such as a browser without X25519.
            console.warn(`doorward: this page cannot meet the door outside: ${error.message}`);
        }
    }

    /** Forgets the door. */
    async forget() {
        const { record } = this;
        if (record === null) return;
        this.record = null;
        try {
            await inStore("readwrite", (store) => store.delete(record.door));
        } catch (error) {
            console.warn(`doorward: what was kept cannot be removed: ${error.message}`);
        }
        this.dispatchEvent(new Event("change"));
    }

    /**
     * By an invitation's link, on a copy: `meeting` is the link's text about the door, `invite` its secret.
     * Null where it went well, else `{ problem, code?, message? }`.
     */
    async join({ meeting, invite }) {
        if (!this.isPossible) return { problem: "unsupported" };
        let door;
        try {
            door = recordOf(JSON.parse(new TextDecoder().decode(fromBase64URL(meeting))));
        } catch {
            return { problem: "badLink" };
        }
        if (!(await isSound(door))) return { problem: "badLink" };
        try {
            this.#joiningKeys ??= await makeKeys();
            const record = { ...door, keys: this.#joiningKeys };
            const failure = await meetOnce(record, { invite, device: deviceName() });
            if (failure !== null) return failure;
            await this.#keep(record);
            return null;
        } catch (error) {
            console.warn(`doorward: this page cannot meet the door: ${error.message}`);
            return { problem: "unsupported" };
        }
    }

    async #keep(record) {
        const { door } = record;
        if (!(await isSound(record))) throw new Error("the door's answer is not sound");
        // An origin that is a door's has that one alone; a copy may know several.
        if (!isCopy && this.record !== null && this.record.door !== door) {
            await inStore("readwrite", (store) => store.delete(this.record.door));
        }
        await inStore("readwrite", (store) => store.put(record, door));
        localStorage.setItem(choiceKey, door);
        this.record = record;
        this.dispatchEvent(new Event("change"));
    }
}

const offer = async (keys) => request("PUT", "api/meeting", { key: toBase64URL(await publicBytes(keys)) });

/** One meeting, as far as the door's answer; null where that is a welcome, else what is wrong. */
function meetOnce(record, introduction) {
    return new Promise((resolve) => {
        const meeting = new Meeting(record, introduction);
        const end = (result) => {
            clearTimeout(timer);
            meeting.close();
            resolve(result);
        };
        const timer = setTimeout(() => end({ problem: "doorSilent" }), joinPatience);
        meeting.addEventListener("open", () => end(null));
        meeting.addEventListener("closed", ({ detail: { problem, code, message } }) => end({ problem, code, message }));
        meeting.open();
    });
}

export const enrolment = new Enrolment();
