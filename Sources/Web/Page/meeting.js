// The way to the door from outside the house: the same messages as over the WebSocket, sealed for the door alone and carried by
// a broker that both reach (Sources/Meeting/PROTOCOL.md).

import { fromBase64URL, toHex } from "./encoding.js";
import { MQTTClient } from "./mqtt.js";
import { Handshake, counterBytes, joined } from "./noise.js";

const firstDelay = 400;
const longestDelay = 10_000;
/** Who is refused is not let in sooner by asking often. */
const refusedDelay = 60_000;
/** A session that lived so long ends the growing of the delay. */
const steady = 30_000;
/** Anybody at the broker can say that the door knows this page no more: it is believed once in so long. */
const unknownInterval = 5_000;
/** All pages hear at the same moment that the door is back, and it takes so many handshakes a second. */
const gathering = 1_500;

/** Milliseconds: until the broker has told the door's state, where it has one; for the door's answer to the handshake. */
const statePatience = 1_000;
const handshakePatience = 6_000;
/** A door that is not connected is tried nevertheless now and then: what the broker says of it is a hint, no more. */
const doorAwayPatience = 30_000;
/** Without anything sent the page pings; without anything heard after that, the session is over. */
const pingInterval = 15_000;
const pongPatience = 25_000;

const messageExpiry = 30;
const longestMessage = 65_536;
const longestPayload = longestMessage + 32;
const defaultTopic = "doorward";

const kinds = { hello: 1, answer: 2, message: 3, unknown: 4 };

/**
 * Connects for as long as it is open, each time under a new mailbox.
 *
 * Events: `open`, when the door has answered; `message` (detail: the message); `closed` (detail: `{ problem, retryAt, message? }`, a key of
 * `strings.outside.problems`, milliseconds since the epoch or null where the door itself is awaited).
 *
 *   connecting ─► waiting for the door ─► shaking hands ─► open        and from everywhere: closed, then connecting anew
 */
export class Meeting extends EventTarget {
    #record;
    #introduction;
    #client = null;
    #topics = null;
    #mailbox = "";
    #phase = "closed";
    /** As the door's last connection to the broker is called. */
    #doorState = null;
    #handshake = null;
    #transport = null;
    #attempt = 0;
    #timer = 0;
    #ticker = null;
    #openedAt = 0;
    #unknownAt = -unknownInterval;
    #sentAt = 0;
    /** When the ping was sent that nothing was heard after; null for none. */
    #pingedAt = null;
    /** Sealing and opening take their time, and keep their order. */
    #sending = Promise.resolve();
    #receiving = Promise.resolve();

    /** `record` is what enrolment.js keeps; `introduction` goes into the handshake: an invitation, where there is one. */
    constructor(record, introduction = {}) {
        super();
        this.#record = record;
        this.#introduction = introduction;
    }

    get isOpen() {
        return this.#phase === "open";
    }

    /** Whether it connects or is connected. */
    get isStarted() {
        return this.#ticker !== null;
    }

    open() {
        if (this.isStarted) return;
        this.#ticker = new Worker(new URL("ticker.js", import.meta.url));
        this.#ticker.addEventListener("message", () => this.#tick());
        this.#attempt = 0;
        this.#connect();
    }

    /** Leaves, and stays away. */
    close() {
        this.#ticker?.terminate();
        this.#ticker = null;
        this.#leave();
    }

    /** Tries again at once, where it waits. */
    retry() {
        if (this.isStarted && this.#phase === "closed") this.#connect();
    }

    /** Sends a message; false when there is no session, and then the message is gone. */
    send(message) {
        if (!this.isOpen) return false;
        this.#sentAt = Date.now();
        const [client, transport, topic] = [this.#client, this.#transport, this.#topics.in];
        const sealed = transport.seal(new TextEncoder().encode(JSON.stringify(message)));
        this.#sending = this.#sending.then(async () => {
            const { counter, sealed: text } = await sealed;
            client.publish(topic, joined(Uint8Array.of(kinds.message), counterBytes(counter), text));
        });
        return true;
    }

    #connect() {
        clearTimeout(this.#timer);
        const { door, broker } = this.#record;
        this.#mailbox = toHex(crypto.getRandomValues(new Uint8Array(16)));
        const base = `${broker.topic ?? defaultTopic}/${door}`;
        this.#topics = { in: `${base}/in/${this.#mailbox}`, out: `${base}/out/${this.#mailbox}`, state: `${base}/state` };
        this.#phase = "connecting";
        this.#sending = this.#receiving = Promise.resolve();
        this.#doorState = this.#handshake = this.#transport = this.#pingedAt = null;
        try {
            this.#client = new MQTTClient({
                url: broker.url, username: broker.username, password: broker.password, messageExpiry,
                // §3.1.3.1 of MQTT: so long a name every broker takes.
                clientId: this.#mailbox.slice(0, 23), will: this.#topics.in, topics: [this.#topics.out, this.#topics.state],
            });
        } catch (error) {
            // An address that the browser does not open, such as ws: from a page under https.
            this.#lose("brokerUnreachable", error.message);
            return;
        }
        const client = this.#client;
        const whileCurrent = (action) => (event) => {
            if (client === this.#client) action(event.detail);
        };
        client.addEventListener("ready", whileCurrent(() => this.#await("waiting", statePatience, () => this.#beginHandshake())));
        client.addEventListener("message", whileCurrent((message) => this.#receive(message)));
        client.addEventListener("closed", whileCurrent(({ code, text }) => {
            this.#lose({ unreachable: "brokerUnreachable", refused: "brokerRefused", lost: "brokerLost" }[code], text);
        }));
    }

    /** Goes on to `phase`, and does `action` where nothing else happens in so many milliseconds. */
    #await(phase, milliseconds, action) {
        clearTimeout(this.#timer);
        this.#phase = phase;
        this.#timer = setTimeout(action, milliseconds);
    }

    #receive({ topic, payload }) {
        if (topic === this.#topics.state) {
            this.#stateReceived(new TextDecoder().decode(payload));
        } else if (topic === this.#topics.out && payload.length > 0 && payload.length <= longestPayload) {
            const client = this.#client;
            this.#receiving = this.#receiving.then(async () => {
                // What was on its way when the session ended belongs to no other.
                if (client === this.#client) await this.#frameReceived(payload[0], payload.subarray(1));
            });
        }
    }

    #stateReceived(state) {
        const before = this.#doorState;
        const isOnline = /^online [0-9a-f]{16}$/.test(state);
        if (isOnline) this.#doorState = state;
        if (this.#phase === "waiting") {
            if (isOnline) this.#beginHandshake();
            else {
                this.dispatchEvent(new CustomEvent("closed", { detail: { problem: "doorAway", retryAt: null } }));
                this.#await("waiting", doorAwayPatience, () => this.#lose("doorAway", "it is still said to be away"));
            }
        } else if (isOnline && before !== null && before !== state) {
            // It was away and knows nothing of this session.
            this.#lose("doorLost", "it connected to the broker anew", Math.random() * gathering);
        } else if (this.isOpen && !isOnline) {
            // Perhaps; its silence will tell.
            this.#ping(Date.now());
        }
    }

    async #beginHandshake() {
        this.#await("shaking hands", handshakePatience, () => this.#lose("doorSilent", "no answer to the handshake"));
        const client = this.#client;
        const { door, doorKey, keys } = this.#record;
        this.#handshake = new Handshake({
            prologue: `doorward-meeting-1 ${door} ${this.#mailbox}`, keys, doorKey: fromBase64URL(doorKey),
        });
        const payload = new TextEncoder().encode(JSON.stringify({ version: 1, ...this.#introduction }));
        const hello = await this.#handshake.write(payload);
        if (client === this.#client) client.publish(this.#topics.in, joined(Uint8Array.of(kinds.hello), hello));
    }

    async #frameReceived(kind, body) {
        switch (kind) {
            case kinds.answer:
                if (this.#phase === "shaking hands") await this.#answerReceived(body);
                break;
            case kinds.message:
                if (this.isOpen) await this.#messageReceived(body);
                break;
            case kinds.unknown:
                this.#unknownReceived();
                break;
            default:
                break;
        }
    }

    #unknownReceived() {
        const now = Date.now();
        const isHeeded = (this.isOpen || this.#phase === "shaking hands") && now - this.#unknownAt >= unknownInterval;
        if (!isHeeded) return;
        this.#unknownAt = now;
        this.#lose("doorLost", "it knows this session no more");
    }

    async #answerReceived(body) {
        const client = this.#client;
        let payload;
        let transport;
        try {
            const answer = await this.#handshake.read(body);
            payload = JSON.parse(new TextDecoder().decode(answer.payload));
            transport = answer.transport;
        } catch {
            // Who does not have the door's key cannot answer, and what was changed on its way is no answer.
            if (client === this.#client) this.#lose("impostor", "the answer to the handshake is not the door's");
            return;
        }
        if (client !== this.#client) return;
        if (payload?.error !== undefined) {
            this.#lose(payload.error === "unknown_key" ? "unknownKey" : "refused", payload.error, refusedDelay, payload);
            return;
        }
        clearTimeout(this.#timer);
        this.#transport = transport;
        this.#phase = "open";
        this.#openedAt = Date.now();
        // The door takes this page in with the first message that opens: the handshake alone a broker could have repeated.
        this.#ping(this.#openedAt);
        this.dispatchEvent(new Event("open"));
    }

    async #messageReceived(body) {
        const client = this.#client;
        if (body.length < 8) return this.#breakOff("tampered", "a message without its counter");
        const place = this.#transport.place(new DataView(body.buffer, body.byteOffset).getBigUint64(0));
        // At QoS 1 a message may come twice.
        if (place === "duplicate") return undefined;
        if (place === "gap") return this.#breakOff("incomplete", "a message is missing");
        let message;
        try {
            message = JSON.parse(new TextDecoder().decode(await this.#transport.open(body.subarray(8))));
        } catch {
            if (client === this.#client) this.#breakOff("tampered", "a message is not what the door sent");
            return undefined;
        }
        if (client !== this.#client) return undefined;
        this.#pingedAt = null;
        if (message?.type === "ping") this.send({ type: "pong" });
        else if (message?.type !== "pong") this.dispatchEvent(new CustomEvent("message", { detail: message }));
        return undefined;
    }

    #tick() {
        const now = Date.now();
        this.#client?.tick(now);
        if (!this.isOpen) return;
        if (this.#pingedAt !== null && now - this.#pingedAt > pongPatience) {
            this.#breakOff("doorLost", "nothing was heard any more");
        } else if (now - this.#sentAt > pingInterval) {
            this.#ping(now);
        }
    }

    #ping(now) {
        this.#pingedAt ??= now;
        this.send({ type: "ping" });
    }

    /** Ends a session that the door may still believe in. */
    #breakOff(problem, text) {
        this.#client.publish(this.#topics.in, Uint8Array.of(kinds.unknown));
        this.#lose(problem, text);
    }

    #lose(problem, text, delay = null, detail = {}) {
        if (this.#phase === "closed") return;
        console.warn(`doorward: from outside: ${problem}: ${text}`);
        if (this.isOpen && Date.now() - this.#openedAt > steady) this.#attempt = 0;
        this.#leave();
        // Full jitter over the upper half, as at home.
        const wait = delay ?? Math.min(longestDelay, firstDelay * 2 ** this.#attempt) * (0.5 + Math.random() / 2);
        this.#attempt += 1;
        this.#timer = setTimeout(() => this.#connect(), wait);
        this.dispatchEvent(new CustomEvent("closed", { detail: { problem, retryAt: Date.now() + wait, message: detail.message, code: detail.error } }));
    }

    #leave() {
        clearTimeout(this.#timer);
        this.#phase = "closed";
        const client = this.#client;
        this.#client = null;
        client?.close();
    }
}
