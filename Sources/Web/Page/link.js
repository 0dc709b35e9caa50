// One connection of the mesh: to the page of one other member of the call, by perfect negotiation (webrtc-pc §10.7).

/** Louder than this (0 to 1, RFC 6464's level as the browser gives it) is talking. */
const talkingLevel = 0.01;
/** A pause shorter than this is still talking, in milliseconds. */
const talkingPause = 600;

/**
 * Event `change`: `state`, `isTalking` or `videoTrack` is another.
 *
 * The impolite side makes both transceivers and the first offer; the polite one takes those that come with it. Afterwards either
 * offers whenever its camera comes or goes.
 */
export class Link extends EventTarget {
    isTalking = false;
    /** The other's camera, where he shows himself. */
    videoTrack = null;

    #connection;
    #isPolite;
    #hasChannel;
    #channel = null;
    #send;
    #tracks;
    #sound = new Audio();
    #isMakingOffer = false;
    #isIgnoringOffer = false;
    #isSettingAnswer = false;
    #isClosed = false;
    #heardAt = -Infinity;

    /** `tracks`: `{ audio, video }`, each a track of this side's or null. `hasChannel`: the two write to one another, too. */
    constructor({ isPolite, servers, tracks, hasChannel, send }) {
        super();
        this.#isPolite = isPolite;
        this.#hasChannel = hasChannel;
        this.#send = send;
        this.#tracks = tracks;
        this.#connection = new RTCPeerConnection({ ...servers, bundlePolicy: "max-bundle" });
        this.#listen();
        if (!isPolite) {
            if (hasChannel) this.#openChannel();
            this.#connection.addTransceiver("audio", { direction: "sendrecv" });
            this.#connection.addTransceiver("video", { direction: "recvonly" });
            this.#applyTracks();
        }
    }

    /** The data channel, once there is one; else null. */
    get channel() {
        return this.#channel;
    }

    /** W3C `connectionState`. */
    get state() {
        return this.#connection.connectionState;
    }

    /** For tests: the connection itself. */
    get peerConnection() {
        return this.#connection;
    }

    /** What is sent from now on. */
    setTracks(tracks) {
        this.#tracks = tracks;
        this.#applyTracks();
    }

    /** New credentials for the TURN servers, for whatever is gathered from now on. */
    setServers(servers) {
        if (!this.#isClosed) this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), ...servers });
    }

    /** How loud the other is heard. */
    setSound({ isMuted, volume }) {
        this.#sound.muted = isMuted;
        this.#sound.volume = volume;
        this.#play();
    }

    async descriptionReceived(description) {
        const connection = this.#connection;
        try {
            const isReady = !this.#isMakingOffer && (connection.signalingState === "stable" || this.#isSettingAnswer);
            this.#isIgnoringOffer = !this.#isPolite && description.type === "offer" && !isReady;
            if (this.#isIgnoringOffer) return;
            this.#isSettingAnswer = description.type === "answer";
            await connection.setRemoteDescription(description);
            this.#isSettingAnswer = false;
            if (description.type === "offer") {
                // only now, for a channel that is made before asks for an offer of this side's own
                if (this.#hasChannel && this.#channel === null) this.#openChannel();
                this.#applyTracks();
                await connection.setLocalDescription();
                this.#send({ type: "call-answer", description: connection.localDescription });
            }
            this.#seeVideo();
        } catch (error) {
            this.#warn("a description could not be used", error);
        }
    }

    async candidateReceived(candidate) {
        try {
            await this.#connection.addIceCandidate(candidate);
        } catch (error) {
            if (!this.#isIgnoringOffer) this.#warn("a candidate could not be used", error);
        }
    }

    /** Looks whether the other talks; to be called some times a second. */
    listen(now) {
        const [source] = this.#connection.getReceivers().find(({ track }) => track.kind === "audio")?.getSynchronizationSources() ?? [];
        if ((source?.audioLevel ?? 0) > talkingLevel) this.#heardAt = now;
        this.#set("isTalking", now - this.#heardAt < talkingPause);
    }

    close() {
        this.#isClosed = true;
        this.#sound.srcObject = null;
        this.#connection.close();
    }

    #listen() {
        const connection = this.#connection;
        connection.onnegotiationneeded = async () => {
            try {
                this.#isMakingOffer = true;
                await connection.setLocalDescription();
                this.#send({ type: "call-offer", description: connection.localDescription });
            } catch (error) {
                this.#warn("no offer could be made", error);
            } finally {
                this.#isMakingOffer = false;
            }
        };
        connection.onicecandidate = ({ candidate }) => {
            this.#send({ type: "call-ice-candidate", candidate: candidate?.toJSON() ?? null });
        };
        connection.ontrack = ({ track }) => {
            if (track.kind !== "audio") return;
            this.#sound.srcObject = new MediaStream([track]);
            this.#play();
        };
        connection.onconnectionstatechange = () => {
            // Both sides look for another path; where their offers collide, the polite one's gives way.
            if (connection.connectionState === "failed") connection.restartIce();
            this.dispatchEvent(new Event("change"));
        };
    }

    /** Both sides make it, by what they know of each other beforehand (webrtc-pc §6.2, `negotiated`). */
    #openChannel() {
        this.#channel = this.#connection.createDataChannel("doorward", { negotiated: true, id: 0 });
        this.dispatchEvent(new Event("channel"));
    }

    /** Puts this side's tracks on the transceivers there are; a change of direction leads to an offer by itself. */
    #applyTracks() {
        if (this.#isClosed) return;
        for (const transceiver of this.#connection.getTransceivers()) {
            const { kind } = transceiver.receiver.track;
            const track = this.#tracks[kind];
            // Sound goes both ways from the first offer on, so that talking later needs no negotiation.
            const direction = kind === "audio" || track ? "sendrecv" : "recvonly";
            if (transceiver.direction !== direction) transceiver.direction = direction;
            if (transceiver.sender.track !== track) {
                transceiver.sender.replaceTrack(track).catch((error) => this.#warn("a track could not be sent", error));
            }
        }
    }

    /** Whether the other shows himself is what was negotiated; a track's `muted` waits in each browser for something else. */
    #seeVideo() {
        const video = this.#connection.getTransceivers().find(({ receiver }) => receiver.track.kind === "video");
        const isShown = ["sendrecv", "recvonly"].includes(video?.currentDirection);
        this.#set("videoTrack", isShown ? video.receiver.track : null);
    }

    #play() {
        if (this.#sound.srcObject === null) return;
        // Refused before the first touch: the picture's button for that comes through setSound.
        this.#sound.play().catch(() => {});
    }

    #set(property, value) {
        if (this[property] === value) return;
        this[property] = value;
        this.dispatchEvent(new Event("change"));
    }

    #warn(what, error) {
        if (!this.#isClosed) console.warn(`doorward: another member: ${what}: ${error.message}`);
    }
}
