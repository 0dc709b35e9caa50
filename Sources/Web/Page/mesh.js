// The others in the call: one connection to the page of each, for as long as he is a member.

import { Link } from "./link.js";

const listenInterval = 200;

/** Event `change` after every change of `members`; `channel` (detail: the data channel) with every new connection that has one. */
export class Mesh extends EventTarget {
    #send;
    #selfId = null;
    #servers = {};
    #hasChannels = false;
    /** As `call-members` told last. */
    #members = [];
    #links = new Map();
    #tracks = { audio: null, video: null };
    #sound = { isMuted: false, volume: 1 };
    #listening = 0;

    /** `send(message)`: sends a message of the call under way. */
    constructor({ send }) {
        super();
        this.#send = send;
    }

    /**
     * Everybody in the call, this page among them: `{ id, name, isAway, isSelf, state, isTalking, videoTrack }`, where `state` is
     * the connection's, and null for oneself.
     */
    get members() {
        return this.#members.map(({ id, name, isAway }) => {
            const link = this.#links.get(id);
            const { state = null, isTalking = false, videoTrack = null } = link ?? {};
            return { id, name, isAway, isSelf: id === this.#selfId, state, isTalking, videoTrack };
        });
    }

    /** For tests: the connections by the members' ids. */
    get peerConnections() {
        return new Map([...this.#links].map(([id, link]) => [id, link.peerConnection]));
    }

    /** A `call-members`, told to this page as `selfId`; `hasChannels` where nobody else passes on what the members write. */
    membersChanged(members, { selfId, servers, hasChannels }) {
        // A page that came back is another member to the others, and has another place in the order of politeness.
        if (selfId !== this.#selfId) this.close();
        this.#selfId = selfId;
        this.#servers = servers;
        this.#hasChannels = hasChannels;
        this.#members = members;
        const ids = new Set(members.map(({ id }) => id));
        for (const [id, link] of this.#links) {
            if (ids.has(id)) continue;
            link.close();
            this.#links.delete(id);
        }
        for (const { id, isAway } of members) {
            if (id !== selfId && !isAway && !this.#links.has(id)) this.#connect(id);
        }
        this.#listen();
        this.#changed();
    }

    /** A `call-offer`, `call-answer` or `call-ice-candidate` with a `sender`. */
    messageReceived({ type, sender, description, candidate }) {
        const link = this.#links.get(sender);
        if (!link) return undefined;
        return type === "call-ice-candidate" ? link.candidateReceived(candidate) : link.descriptionReceived(description);
    }

    /** The track to send to everybody from now on, or null; `kind` is "audio" or "video". */
    setTrack(kind, track) {
        this.#tracks = { ...this.#tracks, [kind]: track };
        for (const link of this.#links.values()) link.setTracks(this.#tracks);
    }

    setServers(servers) {
        this.#servers = servers;
        for (const link of this.#links.values()) link.setServers(servers);
    }

    /** How loud everybody is heard: `{ isMuted, volume }`. */
    setSound(sound) {
        this.#sound = sound;
        for (const link of this.#links.values()) link.setSound(sound);
    }

    /** The call is over. */
    close() {
        if (this.#members.length === 0) return;
        for (const link of this.#links.values()) link.close();
        this.#links.clear();
        this.#members = [];
        this.#listen();
        this.#changed();
    }

    #connect(id) {
        const link = new Link({
            // Both sides know both ids, so that they agree on this without a word.
            isPolite: this.#selfId < id,
            servers: this.#servers,
            tracks: this.#tracks,
            hasChannel: this.#hasChannels,
            send: (message) => {
                if (this.#links.get(id) === link) this.#send({ ...message, recipient: id });
            },
        });
        this.#links.set(id, link);
        link.setSound(this.#sound);
        link.addEventListener("change", () => this.#changed());
        const tell = () => this.dispatchEvent(new CustomEvent("channel", { detail: link.channel }));
        if (link.channel !== null) tell();
        else link.addEventListener("channel", tell);
    }

    /** Listens for as long as there is somebody. */
    #listen() {
        if (this.#links.size === 0) {
            clearInterval(this.#listening);
            this.#listening = 0;
        } else if (this.#listening === 0) {
            this.#listening = setInterval(() => {
                for (const link of this.#links.values()) link.listen(performance.now());
            }, listenInterval);
        }
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}
