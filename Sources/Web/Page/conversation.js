// What goes over the data channel with the door, or with whom one talks to without it: chat with the others in the call, the door's lock and light, and its picture as a
// file (Sources/Calls/PROTOCOL.md).

const longest = 200;
const answerTimeout = 5_000;
/** Bytes of a text: the door's own limit, which holds between pages, too. */
const longestText = 2_000;

/**
 * `messages`: `{ from, text, at, isOwn, isPrivate, to, state }`, the oldest first; `state` is "sending", "sent" or the code of the
 * error, and `to` the recipient's name of one's own private message. `controls`: `{ lock, light }`, as the door told them.
 * `problem` is the code of the error of the last control, or null. Event `change` after every change.
 */
export class Conversation extends EventTarget {
    messages = [];
    controls = { lock: "none", light: "none" };
    problem = null;
    isOpen = false;
    #channel = null;
    /** Who is at the channel's other end, where that is another page: tells the name. */
    #peerName = null;
    #nextId = 1;
    /** What waits for an answer, by the message's id: `{ settle, timer }`. */
    #pending = new Map();
    /** The files that came and wait for their acknowledgement, by the message that asked for them: `{ type, size, parts }`. The last still comes. */
    #files = new Map();

    /** The channel of the call under way, with the door or with the page of whom `peerName` names; what was written before stays. */
    attach(channel, peerName = null) {
        this.#detach();
        this.#peerName = peerName;
        this.#channel = channel;
        channel.binaryType = "arraybuffer";
        const whileCurrent = (action) => (event) => {
            if (channel !== this.#channel) return;
            action(event);
            this.#changed();
        };
        channel.addEventListener("open", whileCurrent(() => {
            this.isOpen = true;
        }));
        channel.addEventListener("close", whileCurrent(() => this.#detach()));
        channel.addEventListener("message", whileCurrent(({ data }) => (peerName === null ? this.#receive(data) : this.#receiveFromPeer(data))));
        this.#changed();
    }

    /** The call is over, and what was said in it. */
    clear() {
        if (this.#channel === null && this.messages.length === 0) return;
        this.#detach();
        this.messages = [];
        this.#changed();
    }

    /** Writes to all others, or to the member `{ id, name }` alone. */
    write(text, recipient = null) {
        const message = { from: null, text, at: Date.now(), isOwn: true, isPrivate: recipient !== null, to: recipient?.name ?? null, state: "sending" };
        this.#add(message);
        const settle = (state) => {
            message.state = state;
        };
        this.#send({ type: "chat", text, ...(recipient && { recipient: recipient.id }) }, settle);
    }

    unlock() {
        this.#control({ type: "unlock" });
    }

    setLight(isOn) {
        this.#control({ type: "light", on: isOn });
    }

    /** The door's own picture of this moment as a Blob, before any network took from it; null where the door gives none in time. */
    snapshot() {
        if (this.#channel?.readyState !== "open") return Promise.resolve(null);
        return new Promise((resolve) => {
            const id = this.#send({ type: "snapshot" }, (state) => {
                const file = this.#files.get(id);
                this.#files.delete(id);
                const blob = file && new Blob(file.parts, { type: file.type });
                resolve(state === "sent" && blob?.size === file?.size ? blob : null);
            });
        });
    }

    #control(message) {
        this.problem = null;
        this.#send(message, (state) => {
            this.problem = state === "sent" ? null : state;
        });
    }

    #send(message, settle) {
        const id = String(this.#nextId++);
        if (this.#channel?.readyState === "open") {
            this.#channel.send(JSON.stringify({ ...message, id }));
            this.#pending.set(id, { settle, timer: setTimeout(() => this.#settle(id, "failed"), answerTimeout) });
        } else {
            settle("failed");
        }
        this.#changed();
        return id;
    }

    #settle(id, state) {
        const waiting = this.#pending.get(id);
        if (!waiting) return;
        clearTimeout(waiting.timer);
        this.#pending.delete(id);
        waiting.settle(state);
        this.#changed();
    }

    #receive(data) {
        if (data instanceof ArrayBuffer) {
            [...this.#files.values()].at(-1)?.parts.push(data);
            return;
        }
        const message = JSON.parse(data);
        switch (message.type) {
            case "controls":
                this.controls = { lock: message.lock, light: message.light };
                break;
            case "chat":
                this.#add({ from: message.from.name, text: message.text, at: Date.now(), isOwn: false, isPrivate: message.isPrivate, to: null, state: "sent" });
                break;
            case "snapshot":
                // one that nobody waits for any more comes all the same, and goes with the next
                for (const id of this.#files.keys()) if (!this.#pending.has(id)) this.#files.delete(id);
                this.#files.set(message.id, { type: message.mimeType, size: message.size, parts: [] });
                break;
            case "ack":
                this.#settle(message.id, "sent");
                break;
            case "error":
                this.#settle(message.id, message.code);
                break;
            default:
                // A newer door may say more than this page knows.
                break;
        }
    }

    /** Another page may send anything. */
    #receiveFromPeer(data) {
        let message;
        try {
            message = JSON.parse(data);
        } catch {
            return;
        }
        const { type, id, text } = message ?? {};
        if (typeof id !== "string" || id.length > 64) return;
        if (type === "ack") {
            this.#settle(id, "sent");
        } else if (type === "chat" && typeof text === "string" && text.trim() !== "" && new TextEncoder().encode(text).length <= longestText) {
            this.#add({ from: this.#peerName(), text, at: Date.now(), isOwn: false, isPrivate: false, to: null, state: "sent" });
            this.#channel.send(JSON.stringify({ type: "ack", id }));
        }
    }

    #add(message) {
        this.messages = [...this.messages, message].slice(-longest);
    }

    #detach() {
        this.#channel = null;
        this.isOpen = false;
        this.problem = null;
        this.controls = { lock: "none", light: "none" };
        this.#files.clear();
        for (const id of [...this.#pending.keys()]) this.#settle(id, "failed");
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}
