// One call with the door: the RTCPeerConnection and its negotiation.

import { selectedPair } from "./statistics.js";

/**
 * Events: `connected` (ICE and DTLS are up), `disconnected` (ICE lost its path, may recover), `failed` (it found none, which a
 * restart may mend), `unusable` (detail: `{ reason }`; nothing mends it).
 *
 * The peer connection and its offer are made at once, before the daemon has accepted the call and named it; what must
 * be sent meanwhile waits for `accepted(id)`.
 */
export class DoorCall extends EventTarget {
    /** The call's id, null until the daemon has accepted. */
    id = null;
    peerConnection;
    stream = new MediaStream();
    /** The data channel for chat and the door's controls. */
    channel;

    #send;
    #timeline;
    #microphoneSender;
    #outbox = [];
    #candidatesBeforeDescription = [];
    #isClosed = false;

    constructor({ servers, timeline, send }) {
        super();
        this.#send = send;
        this.#timeline = timeline;
        // max-bundle: one transport to gather for, from the first offer on (RFC 8829 §4.1.1).
        this.peerConnection = new RTCPeerConnection({ ...servers, bundlePolicy: "max-bundle" });
        this.#listen();
        // sendrecv without a track: talking later is a replaceTrack and needs no negotiation.
        const audio = this.peerConnection.addTransceiver("audio", { direction: "sendrecv" });
        this.peerConnection.addTransceiver("video", { direction: "recvonly" });
        this.channel = this.peerConnection.createDataChannel("doorward");
        this.#microphoneSender = audio.sender;
    }

    /** Whether this connection serves on as it is, should signalling have been away: nothing of a negotiation got lost. */
    get isIntact() {
        const { connectionState, signalingState } = this.peerConnection;
        return this.id !== null && connectionState === "connected" && signalingState === "stable";
    }

    /** The daemon accepted: what waited for the call's id may go. */
    accepted(id) {
        this.id = id;
        this.#timeline.mark("call-accepted");
        for (const message of this.#outbox.splice(0)) this.#transmit(message);
    }

    /**
     * A `call-offer` or `call-answer`: the polite half of perfect negotiation (webrtc-pc §10.7). The example's `ignoreOffer`
     * is `!polite && offerCollision`, so this side ignores no offer and need not know whether one collides with its own:
     * setRemoteDescription then rolls ours back, and `negotiationneeded` fires again once the state is stable.
     */
    async descriptionReceived(description) {
        const peerConnection = this.peerConnection;
        try {
            if (description.type === "answer") this.#timeline.mark("answer received");
            await peerConnection.setRemoteDescription(description);
            for (const candidate of this.#candidatesBeforeDescription.splice(0)) this.#addCandidate(candidate);
            if (description.type === "offer") {
                await peerConnection.setLocalDescription();
                this.#transmit({ type: "call-answer", description: peerConnection.localDescription });
            }
        } catch (error) {
            this.#fail(error);
        }
    }

    /** A `call-ice-candidate`; null is the end of candidates. */
    candidateReceived(candidate) {
        if (this.peerConnection.remoteDescription === null) {
            this.#candidatesBeforeDescription.push(candidate);
        } else {
            this.#addCandidate(candidate);
        }
    }

    /** Sends the microphone's track to the door, or nothing (null). */
    async sendMicrophone(track) {
        if (!this.#isClosed) await this.#microphoneSender.replaceTrack(track);
    }

    /** Looks for a new path for the same call: `negotiationneeded` follows. */
    restartIce() {
        if (!this.#isClosed) this.peerConnection.restartIce();
    }

    /**
     * New credentials for the TURN servers. What is relayed by the old ones would end with them: a new path by the new ones
     * is found before that.
     */
    async setServers(servers) {
        if (this.#isClosed) return;
        this.peerConnection.setConfiguration({ ...this.peerConnection.getConfiguration(), ...servers });
        const reports = await this.peerConnection.getStats();
        const local = reports.get(selectedPair(reports)?.localCandidateId);
        if (local?.candidateType === "relay") this.restartIce();
    }

    close() {
        this.#isClosed = true;
        this.peerConnection.close();
        for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
    }

    #listen() {
        const peerConnection = this.peerConnection;
        peerConnection.onnegotiationneeded = async () => {
            try {
                await peerConnection.setLocalDescription();
                this.#transmit({ type: "call-offer", description: peerConnection.localDescription });
            } catch (error) {
                this.#fail(error);
            }
        };
        peerConnection.onicecandidate = ({ candidate }) => {
            this.#transmit({ type: "call-ice-candidate", candidate: candidate?.toJSON() ?? null });
        };
        peerConnection.onicecandidateerror = ({ url, address, errorCode, errorText }) => {
            console.warn(`doorward: ${url}${address ? ` (from ${address})` : ""}: ${errorCode} ${errorText}`);
        };
        peerConnection.ontrack = ({ track, receiver }) => {
            this.#timeline.mark("track");
            this.stream.addTrack(track);
            this.#watchTransport(receiver.transport);
        };
        peerConnection.oniceconnectionstatechange = () => {
            if (["connected", "completed"].includes(peerConnection.iceConnectionState)) this.#timeline.mark("ice connected");
        };
        peerConnection.onconnectionstatechange = () => {
            const state = peerConnection.connectionState;
            if (state === "connected") this.#timeline.mark("dtls connected");
            if (["connected", "disconnected", "failed"].includes(state)) this.dispatchEvent(new Event(state));
        };
    }

    /** The DTLS transport tells its own state earlier than the peer connection sums it up. */
    #watchTransport(transport) {
        transport?.addEventListener("statechange", () => {
            if (transport.state === "connected") this.#timeline.mark("dtls connected");
        });
    }

    #transmit(message) {
        if (this.#isClosed) return;
        if (this.id === null) {
            this.#outbox.push(message);
            return;
        }
        this.#send({ ...message, call: this.id });
        if (message.type === "call-offer") this.#timeline.mark("offer sent");
    }

    async #addCandidate(candidate) {
        try {
            await this.peerConnection.addIceCandidate(candidate);
        } catch (error) {
            // One candidate that cannot be used (a name that does not resolve, say) does not end the call.
            if (!this.#isClosed) console.warn("doorward: a candidate could not be used:", error.message);
        }
    }

    #fail(error) {
        if (this.#isClosed) return;
        console.error("doorward: negotiation failed:", error);
        this.dispatchEvent(new CustomEvent("unusable", { detail: { reason: "negotiation_failed" } }));
    }
}
