// Control packets of MQTT 5.0 (OASIS standard), as far as a client needs them that publishes and subscribes at QoS 1.

export const packetTypes = {
    connect: 1, connack: 2, publish: 3, puback: 4, subscribe: 8, suback: 9, pingreq: 12, pingresp: 13, disconnect: 14,
};

/** A packet longer than this is not read: no message of ours comes near it. */
export const longestPacket = 128 * 1024;

/** §2.2.2.2: how the value of each property is written, and by what name it is known here. */
const properties = new Map([
    [0x01, ["payloadFormatIndicator", "byte"]], [0x02, ["messageExpiryInterval", "four"]], [0x03, ["contentType", "text"]],
    [0x08, ["responseTopic", "text"]], [0x09, ["correlationData", "binary"]], [0x0b, ["subscriptionIdentifier", "variable"]],
    [0x11, ["sessionExpiryInterval", "four"]], [0x12, ["assignedClientIdentifier", "text"]], [0x13, ["serverKeepAlive", "two"]],
    [0x15, ["authenticationMethod", "text"]], [0x16, ["authenticationData", "binary"]], [0x1a, ["responseInformation", "text"]],
    [0x1c, ["serverReference", "text"]], [0x1f, ["reasonString", "text"]], [0x21, ["receiveMaximum", "two"]],
    [0x22, ["topicAliasMaximum", "two"]], [0x23, ["topicAlias", "two"]], [0x24, ["maximumQoS", "byte"]],
    [0x25, ["retainAvailable", "byte"]], [0x26, ["userProperty", "pair"]], [0x27, ["maximumPacketSize", "four"]],
    [0x28, ["wildcardSubscriptionAvailable", "byte"]], [0x29, ["subscriptionIdentifierAvailable", "byte"]],
    [0x2a, ["sharedSubscriptionAvailable", "byte"]],
]);

/** What arrived is no MQTT, or none that was agreed on. */
export class MalformedPacket extends Error {}

// §1.5: the types of data.

const two = (value) => [(value >> 8) & 0xff, value & 0xff];
const four = (value) => [(value >>> 24) & 0xff, (value >> 16) & 0xff, ...two(value)];
const binary = (bytes) => [...two(bytes.length), ...bytes];
const text = (string) => binary(new TextEncoder().encode(string));

function variable(value) {
    const bytes = [];
    for (let rest = value; ; rest >>= 7) {
        if (rest < 0x80) return [...bytes, rest];
        bytes.push((rest & 0x7f) | 0x80);
    }
}

function withProperties(list) {
    const bytes = list.flat();
    return [...variable(bytes.length), ...bytes];
}

function packet(type, flags, header, payload = new Uint8Array(0)) {
    const head = [(type << 4) | flags, ...variable(header.length + payload.length), ...header];
    const bytes = new Uint8Array(head.length + payload.length);
    bytes.set(head);
    bytes.set(payload, head.length);
    return bytes;
}

/**
 * §3.1, with a clean start and a will at QoS 1 without a payload; `keepAlive` and `messageExpiry` in seconds. No session
 * outlives the connection, and no topic alias is taken.
 */
export function connectPacket({ clientId, keepAlive, username = null, password = null, will, messageExpiry }) {
    const flags = 0x02 | 0x04 | 0x08 | (username === null ? 0 : 0x80) | (password === null ? 0 : 0x40);
    return packet(packetTypes.connect, 0, [
        ...text("MQTT"), 5, flags, ...two(keepAlive), ...withProperties([[0x21, ...two(64)], [0x27, ...four(longestPacket)]]),
        ...text(clientId),
        ...withProperties([[0x02, ...four(messageExpiry)]]), ...text(will), ...two(0),
        ...(username === null ? [] : text(username)), ...(password === null ? [] : text(password)),
    ]);
}

/** §3.8: every topic at QoS 1. */
export const subscribePacket = (id, topics) =>
    packet(packetTypes.subscribe, 0x02, [...two(id), ...withProperties([]), ...topics.flatMap((topic) => [...text(topic), 1])]);

/** §3.3, at QoS 1. */
export const publishPacket = (id, topic, payload, messageExpiry) =>
    packet(packetTypes.publish, 0x02, [...text(topic), ...two(id), ...withProperties([[0x02, ...four(messageExpiry)]])], payload);

/** §3.4, with success. */
export const pubackPacket = (id) => packet(packetTypes.puback, 0, two(id));

export const pingreqPacket = () => packet(packetTypes.pingreq, 0, []);

/** §3.14. */
export const disconnectPacket = (reasonCode) => packet(packetTypes.disconnect, 0, [reasonCode, ...withProperties([])]);

class Reader {
    #bytes;
    #at = 0;

    constructor(bytes) {
        this.#bytes = bytes;
    }

    get isAtEnd() {
        return this.#at === this.#bytes.length;
    }

    take(count) {
        if (this.#at + count > this.#bytes.length) throw new MalformedPacket("it ends too early");
        return this.#bytes.slice(this.#at, (this.#at += count));
    }

    byte() {
        return this.take(1)[0];
    }

    two() {
        return this.byte() * 0x100 + this.byte();
    }

    four() {
        return this.two() * 0x10000 + this.two();
    }

    binary() {
        return this.take(this.two());
    }

    text() {
        try {
            return new TextDecoder("utf-8", { fatal: true }).decode(this.binary());
        } catch (error) {
            if (error instanceof MalformedPacket) throw error;
            throw new MalformedPacket("a string that is no UTF-8");
        }
    }

    pair() {
        return [this.text(), this.text()];
    }

    variable() {
        let value = 0;
        for (let shift = 0; shift < 28; shift += 7) {
            const byte = this.byte();
            value |= (byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        throw new MalformedPacket("a number of more than four bytes");
    }

    rest() {
        return this.take(this.#bytes.length - this.#at);
    }

    properties() {
        const inner = new Reader(this.take(this.variable()));
        const found = {};
        while (!inner.isAtEnd) {
            const property = properties.get(inner.variable());
            if (property === undefined) throw new MalformedPacket("a property that MQTT does not have");
            const [name, type] = property;
            const value = inner[type]();
            // §2.2.2.2: only these may come more than once.
            const isRepeatable = name === "userProperty" || name === "subscriptionIdentifier";
            if (!isRepeatable && Object.hasOwn(found, name)) throw new MalformedPacket("a property that comes twice");
            found[name] = value;
        }
        return found;
    }
}

/** Understands one packet from a server: `{ type, … }` as its kind has it. Throws `MalformedPacket`. */
function parse(first, body) {
    const [type, flags] = [first >> 4, first & 0x0f];
    const reader = new Reader(body);
    if (type !== packetTypes.publish && flags !== 0) throw new MalformedPacket("flags that are reserved");
    const reason = () => ({ reasonCode: reader.isAtEnd ? 0 : reader.byte(), properties: reader.isAtEnd ? {} : reader.properties() });
    const known = {
        [packetTypes.connack]: () => {
            reader.byte();
            return { reasonCode: reader.byte(), properties: reader.properties() };
        },
        [packetTypes.publish]: () => {
            const qos = (flags >> 1) & 3;
            if (qos > 1) throw new MalformedPacket("a message at a QoS that was not subscribed");
            const topic = reader.text();
            const id = qos === 1 ? reader.two() : null;
            if (id === 0) throw new MalformedPacket("a packet identifier of zero");
            const found = reader.properties();
            if (topic === "" || found.topicAlias !== undefined) throw new MalformedPacket("a topic alias that was not agreed on");
            return { topic, id, payload: reader.rest() };
        },
        [packetTypes.puback]: () => ({ id: reader.two(), ...reason() }),
        [packetTypes.suback]: () => {
            const id = reader.two();
            reader.properties();
            return { id, reasonCodes: [...reader.rest()] };
        },
        [packetTypes.pingresp]: () => ({}),
        [packetTypes.disconnect]: reason,
    }[type];
    if (known === undefined) throw new MalformedPacket(`a packet of type ${type}`);
    const packet = { type, ...known() };
    if (!reader.isAtEnd) throw new MalformedPacket("it goes on too long");
    return packet;
}

/** Cuts what arrives into packets: they come in pieces or several at once (§6: a WebSocket's frames are no boundaries). */
export class PacketReader {
    #pending = new Uint8Array(0);

    /** The packets that are whole with `bytes`. Throws `MalformedPacket`. */
    *read(bytes) {
        const all = new Uint8Array(this.#pending.length + bytes.length);
        all.set(this.#pending);
        all.set(bytes, this.#pending.length);
        this.#pending = all;
        for (let length = this.#wholeLength(); length !== null; length = this.#wholeLength()) {
            const [head, body] = [this.#pending[0], this.#pending.slice(length.header, length.header + length.body)];
            this.#pending = this.#pending.slice(length.header + length.body);
            yield parse(head, body);
        }
    }

    /** The lengths of the first packet, where it is whole. */
    #wholeLength() {
        let body = 0;
        for (let index = 1; index < this.#pending.length; index += 1) {
            if (index > 4) throw new MalformedPacket("a length of more than four bytes");
            const byte = this.#pending[index];
            body |= (byte & 0x7f) << (7 * (index - 1));
            if (byte < 0x80) {
                if (body > longestPacket) throw new MalformedPacket("a packet that is too long");
                return index + 1 + body <= this.#pending.length ? { header: index + 1, body } : null;
            }
        }
        return null;
    }
}
