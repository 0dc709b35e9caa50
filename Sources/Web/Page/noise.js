// The secret between this page and its door: Noise_IK_25519_AESGCM_SHA256 (Noise Protocol Framework, revision 34), the page
// as initiator, by the browser's own cryptography. The door's static key is known beforehand; nobody else can answer.

const protocolName = "Noise_IK_25519_AESGCM_SHA256";
const keyLength = 32;
const tagLength = 16;
/** §5.1: a nonce beyond this is never used. */
const lastCounter = 2n ** 64n - 2n;

const empty = new Uint8Array(0);
const ascii = (text) => new TextEncoder().encode(text);

export function joined(...parts) {
    const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    parts.reduce((offset, part) => {
        all.set(part, offset);
        return offset + part.length;
    }, 0);
    return all;
}

export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/** A key pair whose private half no script can read. */
export const makeKeys = () => crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);

/** The 32 bytes of a public key. */
export const publicBytes = async ({ publicKey }) => new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));

/** §12.1. Throws where the result would be all zero, as a hostile public key makes it. */
async function agree({ privateKey }, theirs) {
    const publicKey = await crypto.subtle.importKey("raw", theirs, { name: "X25519" }, false, []);
    return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: publicKey }, privateKey, 256));
}

async function hmac(key, data) {
    const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

/** §4.3, HKDF with two outputs. */
async function derive(chainingKey, input) {
    const temporary = await hmac(chainingKey, input);
    const first = await hmac(temporary, Uint8Array.of(1));
    return [first, await hmac(temporary, joined(first, Uint8Array.of(2)))];
}

/** The counter as it stands in the nonce and in frames. */
export function counterBytes(counter) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, counter);
    return bytes;
}

/** §12.3: 32 zero bits, then the counter, big-endian. */
const parameters = (counter, additionalData) => ({ name: "AES-GCM", iv: joined(new Uint8Array(4), counterBytes(counter)), additionalData });

const importCipher = (key, use) => crypto.subtle.importKey("raw", key, { name: "AES-GCM" }, false, [use]);

async function seal(key, counter, additionalData, text) {
    return new Uint8Array(await crypto.subtle.encrypt(parameters(counter, additionalData), key, text));
}

async function unseal(key, counter, additionalData, text) {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(counter, additionalData), key, text));
}

/** §5.2: what both sides have hashed and mixed so far. */
class SymmetricState {
    #hash;
    #chainingKey;
    #key = null;
    #counter = 0n;

    async begin(prologue) {
        const name = ascii(protocolName);
        this.#hash = joined(name, new Uint8Array(keyLength - name.length));
        this.#chainingKey = this.#hash;
        await this.mixHash(prologue);
    }

    async mixHash(data) {
        this.#hash = await sha256(joined(this.#hash, data));
    }

    async mixKey(input) {
        [this.#chainingKey, this.#key] = await derive(this.#chainingKey, input);
        this.#counter = 0n;
    }

    async encryptAndHash(text) {
        const sealed = await seal(await importCipher(this.#key, "encrypt"), this.#counter++, this.#hash, text);
        await this.mixHash(sealed);
        return sealed;
    }

    async decryptAndHash(sealed) {
        const text = await unseal(await importCipher(this.#key, "decrypt"), this.#counter++, this.#hash, sealed);
        await this.mixHash(sealed);
        return text;
    }

    async split() {
        const [own, other] = await derive(this.#chainingKey, empty);
        return { sending: await importCipher(own, "encrypt"), receiving: await importCipher(other, "decrypt") };
    }
}

/** The two messages of the handshake: `write` makes the first, `read` takes the second and has the transport. */
export class Handshake {
    #state = new SymmetricState();
    #prologue;
    #keys;
    #doorKey;
    #ephemeral = null;

    /** `keys` are this page's own; `doorKey` the 32 bytes of the door's. */
    constructor({ prologue, keys, doorKey }) {
        this.#prologue = ascii(prologue);
        this.#keys = keys;
        this.#doorKey = doorKey;
    }

    /** §7.5, IK: `-> e, es, s, ss`, and a payload. */
    async write(payload) {
        const state = this.#state;
        await state.begin(this.#prologue);
        await state.mixHash(this.#doorKey);
        this.#ephemeral = await makeKeys();
        const ephemeral = await publicBytes(this.#ephemeral);
        await state.mixHash(ephemeral);
        await state.mixKey(await agree(this.#ephemeral, this.#doorKey));
        const own = await state.encryptAndHash(await publicBytes(this.#keys));
        await state.mixKey(await agree(this.#keys, this.#doorKey));
        return joined(ephemeral, own, await state.encryptAndHash(payload));
    }

    /** §7.5, IK: `<- e, ee, se`: `{ payload, transport }`. Throws where it is not the door that answers, or nothing whole. */
    async read(message) {
        if (message.length < keyLength + tagLength) throw new RangeError("a handshake message that is too short");
        const state = this.#state;
        const theirs = message.slice(0, keyLength);
        await state.mixHash(theirs);
        await state.mixKey(await agree(this.#ephemeral, theirs));
        await state.mixKey(await agree(this.#keys, theirs));
        const payload = await state.decryptAndHash(message.slice(keyLength));
        return { payload, transport: new Transport(await state.split()) };
    }
}

/** What follows the handshake: each direction has its key and its counter, which rises by one from 0. */
class Transport {
    #sending;
    #receiving;
    #sent = 0n;
    #received = 0n;

    constructor({ sending, receiving }) {
        this.#sending = sending;
        this.#receiving = receiving;
    }

    /** Seals `text` under the next counter: `{ counter, sealed }`. The counter is taken at once, in the order of the calls. */
    async seal(text) {
        if (this.#sent > lastCounter) throw new RangeError("the counter is used up");
        const counter = this.#sent++;
        return { counter, sealed: await seal(this.#sending, counter, empty, text) };
    }

    /** Where `counter` stands: "next", "duplicate" or "gap". */
    place(counter) {
        if (counter === this.#received) return "next";
        return counter < this.#received ? "duplicate" : "gap";
    }

    /** Opens the next message; throws where it is not what the door sealed. */
    async open(sealed) {
        const text = await unseal(this.#receiving, this.#received, empty, sealed);
        this.#received += 1n;
        return text;
    }
}
