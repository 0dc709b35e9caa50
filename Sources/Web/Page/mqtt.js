// A small client of MQTT 5.0 over WebSocket: one connection with a will, topics and messages at QoS 1.

import {
    MalformedPacket, PacketReader, connectPacket, disconnectPacket, longestPacket, packetTypes, pingreqPacket, pubackPacket, publishPacket, subscribePacket,
} from "./mqtt-packets.js";

/** Seconds in which something is sent, so that the broker knows that this page is there. */
const keepAlive = 30;
/** Milliseconds for the broker's answers: to the connection as a whole, and to a ping. */
const connectPatience = 8_000;
const pingPatience = 10_000;
/** Messages that wait until the broker takes more. */
const longestQueue = 256;
const lastPacketId = 0xffff;

/** §2.4: what the broker's reason codes mean, for the console. */
const reasons = new Map([
    [0x80, "unspecified error"], [0x81, "malformed packet"], [0x82, "protocol error"], [0x83, "implementation specific error"],
    [0x84, "unsupported protocol version"], [0x85, "client identifier not valid"], [0x86, "bad user name or password"],
    [0x87, "not authorized"], [0x88, "server unavailable"], [0x89, "server busy"], [0x8a, "banned"], [0x8b, "server shutting down"],
    [0x8c, "bad authentication method"], [0x8d, "keep alive timeout"], [0x8e, "session taken over"], [0x8f, "topic filter invalid"],
    [0x90, "topic name invalid"], [0x93, "receive maximum exceeded"], [0x94, "topic alias invalid"], [0x95, "packet too large"],
    [0x96, "message rate too high"], [0x97, "quota exceeded"], [0x98, "administrative action"], [0x99, "payload format invalid"],
    [0x9a, "retain not supported"], [0x9b, "QoS not supported"], [0x9c, "use another server"], [0x9d, "server moved"],
    [0x9e, "shared subscriptions not supported"], [0x9f, "connection rate exceeded"], [0xa0, "maximum connect time"],
    [0xa1, "subscription identifiers not supported"], [0xa2, "wildcard subscriptions not supported"],
]);
/** Those that no new attempt will change. */
const refusals = new Set([0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c]);

const words = (code) => reasons.get(code) ?? `reason ${code}`;

/**
 * Events: `ready`, when the topics are subscribed; `message` (detail: `{ topic, payload }`); and once at last `closed` (detail:
 * `{ code, text }`; `code` is "unreachable", "refused" or "lost").
 */
export class MQTTClient extends EventTarget {
    #socket;
    #reader = new PacketReader();
    #options;
    /** "connecting" ─► "subscribing" ─► "ready" ─► "closed" */
    #phase = "connecting";
    #lastId = 0;
    /** Messages on their way that the broker has not acknowledged, and those that wait for a place among them (§4.9). */
    #unacknowledged = new Set();
    #queue = [];
    #receiveMaximum = 0xffff;
    #maximumPacketSize = longestPacket;
    #keepAlive = keepAlive;
    #sentAt = 0;
    #connectTimer = 0;
    #pingTimer = 0;

    /** `topics` are subscribed; `will` is the topic at which the broker says that this client is gone; `messageExpiry` in seconds. */
    constructor({ url, username = null, password = null, clientId, will, topics, messageExpiry }) {
        super();
        this.#options = { username, password, clientId, will, topics, messageExpiry };
        this.#connectTimer = setTimeout(() => this.#end("unreachable", "no answer"), connectPatience);
        this.#socket = new WebSocket(url, "mqtt");
        this.#socket.binaryType = "arraybuffer";
        this.#socket.addEventListener("open", () => this.#send(connectPacket({ ...this.#options, keepAlive })));
        this.#socket.addEventListener("message", ({ data }) => this.#receive(data));
        this.#socket.addEventListener("close", () => this.#end(this.isReady ? "lost" : "unreachable", "the connection was closed"));
    }

    get isReady() {
        return this.#phase === "ready";
    }

    /** Publishes at QoS 1. */
    publish(topic, payload) {
        if (!this.isReady) return;
        if (this.#queue.length === longestQueue) this.#end("lost", "the broker takes no more messages");
        else this.#queue.push({ topic, payload });
        this.#publishQueued();
    }

    /** Looks at the time: to be called every few seconds. */
    tick(now) {
        if (!this.isReady || this.#keepAlive === 0 || now - this.#sentAt < this.#keepAlive * 700) return;
        this.#send(pingreqPacket());
        this.#pingTimer ||= setTimeout(() => this.#end("lost", "the broker answers no more"), pingPatience);
    }

    /** Leaves, as if the connection was lost: the broker publishes the will (§3.14.2.1, 0x04). */
    close() {
        if (this.isReady) this.#send(disconnectPacket(0x04));
        this.#finish();
    }

    #send(packet) {
        if (this.#socket.readyState !== WebSocket.OPEN) return;
        this.#socket.send(packet);
        this.#sentAt = Date.now();
    }

    #receive(data) {
        try {
            // §6: MQTT is binary, whatever else comes is not.
            if (!(data instanceof ArrayBuffer)) throw new MalformedPacket("text");
            for (const packet of this.#reader.read(new Uint8Array(data))) {
                if (this.#phase === "closed") return;
                this.#handle(packet);
            }
        } catch (error) {
            if (!(error instanceof MalformedPacket)) throw error;
            this.#send(disconnectPacket(0x81));
            this.#end("lost", `the broker sent what cannot be: ${error.message}`);
        }
    }

    #handle(packet) {
        switch (packet.type) {
            case packetTypes.connack:
                return this.#connected(packet);
            case packetTypes.suback:
                return this.#subscribed(packet);
            case packetTypes.publish:
                if (packet.id !== null) this.#send(pubackPacket(packet.id));
                return this.dispatchEvent(new CustomEvent("message", { detail: { topic: packet.topic, payload: packet.payload } }));
            case packetTypes.puback:
                this.#unacknowledged.delete(packet.id);
                if (packet.reasonCode >= 0x80) return this.#refused(packet.reasonCode);
                return this.#publishQueued();
            case packetTypes.pingresp:
                clearTimeout(this.#pingTimer);
                this.#pingTimer = 0;
                return undefined;
            default:
                return this.#refused(packet.reasonCode);
        }
    }

    #connected({ reasonCode, properties }) {
        if (this.#phase !== "connecting") throw new MalformedPacket("a second welcome");
        if (reasonCode !== 0) return this.#refused(reasonCode);
        this.#receiveMaximum = properties.receiveMaximum ?? this.#receiveMaximum;
        this.#maximumPacketSize = Math.min(this.#maximumPacketSize, properties.maximumPacketSize ?? longestPacket);
        // §3.1.2.10: the broker's wish takes the place of ours.
        this.#keepAlive = properties.serverKeepAlive ?? keepAlive;
        if (properties.maximumQoS === 0) return this.#end("refused", "QoS not supported");
        this.#phase = "subscribing";
        return this.#send(subscribePacket(this.#nextId(), this.#options.topics));
    }

    #subscribed({ reasonCodes }) {
        if (this.#phase !== "subscribing") throw new MalformedPacket("topics out of turn");
        const refusal = reasonCodes.find((code) => code >= 0x80);
        if (refusal !== undefined) return this.#refused(refusal);
        if (reasonCodes.length !== this.#options.topics.length) throw new MalformedPacket("topics that were not asked for");
        clearTimeout(this.#connectTimer);
        this.#phase = "ready";
        return this.dispatchEvent(new Event("ready"));
    }

    #refused(reasonCode) {
        const isFinal = refusals.has(reasonCode);
        return this.#end(isFinal ? "refused" : this.isReady ? "lost" : "unreachable", words(reasonCode));
    }

    #publishQueued() {
        while (this.isReady && this.#queue.length > 0 && this.#unacknowledged.size < this.#receiveMaximum) {
            const { topic, payload } = this.#queue.shift();
            const id = this.#nextId();
            const packet = publishPacket(id, topic, payload, this.#options.messageExpiry);
            if (packet.length > this.#maximumPacketSize) return this.#end("lost", words(0x95));
            this.#unacknowledged.add(id);
            this.#send(packet);
        }
        return undefined;
    }

    /** §2.2.1: not zero, and none that is in use; the queue's limits leave most of them free. */
    #nextId() {
        do {
            this.#lastId = (this.#lastId % lastPacketId) + 1;
        } while (this.#unacknowledged.has(this.#lastId));
        return this.#lastId;
    }

    #end(code, text) {
        if (this.#phase === "closed") return;
        this.#finish();
        this.dispatchEvent(new CustomEvent("closed", { detail: { code, text } }));
    }

    #finish() {
        this.#phase = "closed";
        clearTimeout(this.#connectTimer);
        clearTimeout(this.#pingTimer);
        this.#socket.close();
    }
}
