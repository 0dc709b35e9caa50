// The wish to see the door, kept through broken connections: dials, watches over the picture, dials again.

import { DoorCall } from "./call.js";
import { Recovery } from "./recovery.js";
import { Statistics } from "./statistics.js";
import { Timeline } from "./timeline.js";

/** The daemon accepts at once; a silence this long means that it is not coming. */
const acceptTimeout = 8_000;
/** From acceptance to the first picture. */
const pictureTimeout = 15_000;
/** Without a new frame for so long the picture counts as frozen; after the longer time the page calls anew. */
const frozenAfter = 3_000;
const frozenPatience = 10_000;

const watchInterval = 1_000;

/** Ends of a call that calling again may mend. */
const retriedReasons = new Set([
    "peer_failed", "connection_lost", "noAnswer", "noConnection", "frozen", "signallingLost", "unknown_call",
]);

/** Ends that somebody or some rule meant. */
const orderlyReasons = new Set(["hangup", "max_duration", "shutdown"]);

/**
 * `status.phase` is one of
 *   idle ─► calling ─► connecting ─► live ◄─► interrupted
 *             ▲                       │            │
 *             └────── retrying ◄──────┴────────────┘       and from everywhere: ended, failed
 *
 * `status.reason` is `{ code, by? }` (a key of `strings.reasons`) for retrying, ended and failed; `status.why` tells what
 * interrupted the picture ("disconnected", "restarting", "frozen", "signalling"); `since` and `retryAt` are milliseconds since the epoch.
 * Event `change` after every change; `channel` (detail: the data channel) with every new connection.
 */
export class Session extends EventTarget {
    status = { phase: "idle" };
    timeline = new Timeline();
    statistics = null;

    #send;
    #picture;
    /** What the peer connection is made with: `iceServers` and `iceTransportPolicy`. */
    #servers = {};
    #expectsPicture = true;
    #isReachable = false;
    #call = null;
    /** What an acceptance is awaited for: null, "door", "resumption", or the id of the ring that was accepted here. */
    #awaited = null;
    /** The daemon's secret for a call of this page as it is connected now, and that of a call that may be had back. */
    #resumption = null;
    #resumable = null;
    /** Whether the call was an earlier page's, which this one took the place of. */
    #isReturning = false;
    /** When the call began, where that was before this page (milliseconds since the epoch). */
    #began = null;
    #microphoneTrack = null;
    #recovery = new Recovery();
    /** Whether there was a picture since the wish for it. */
    #wasLive = false;
    #lastReason = null;
    #timers = { step: 0, recovery: 0, watch: 0 };
    #progress = { frames: 0, at: 0 };

    constructor({ send, picture }) {
        super();
        this.#send = send;
        this.#picture = picture;
        picture.addEventListener("frame", () => this.#pictureArrived());
    }

    /** The id of the call under way, null before the daemon accepted it. */
    get callId() {
        return this.#call?.id ?? null;
    }

    get peerConnection() {
        return this.#call?.peerConnection ?? null;
    }

    /** True from the wish to see the door until the call ended, broken connections included. */
    get isWanted() {
        return !["idle", "ended", "failed"].includes(this.status.phase);
    }

    /** The daemon is there (again), and knows this page under another name. */
    reachable({ servers, hasCamera, resumption = null }) {
        this.#servers = servers;
        this.#expectsPicture = hasCamera;
        this.#resumption = resumption;
        this.#isReachable = true;
        if (!this.isWanted) return;
        if (this.#call?.isIntact && this.#resumable) {
            this.#askForResumption(true);
            this.#startStep(acceptTimeout, "noAnswer");
        } else {
            this.#dialAnew();
        }
    }

    /** What the next page has this one's call back with; null where there is none. */
    get resumable() {
        return this.#resumable;
    }

    /** Has the call back of the page that was here before. */
    resume(resumption) {
        this.#recovery = new Recovery();
        this.#wasLive = false;
        this.#isReturning = true;
        this.#resumable = resumption;
        this.#dial();
    }

    /** The daemon gave the call back; false when that was not awaited any more (the caller then hangs it up). */
    resumed(id, elapsed) {
        if (this.#awaited !== "resumption") return false;
        this.#began = Date.now() - elapsed;
        if (id !== this.#call?.id) return this.accepted(id);
        this.#awaited = null;
        this.#resumable = this.#resumption;
        clearTimeout(this.#timers.step);
        if (this.status.why === "signalling") this.#restored();
        return true;
    }

    unreachable() {
        this.#isReachable = false;
        this.#awaited = null;
        if (this.status.phase === "live") this.#become({ ...this.status, phase: "interrupted", why: "signalling" });
        else if (this.isWanted && this.status.phase !== "interrupted") this.#abandon({ code: "signallingLost" });
    }

    /** The TURN servers will not take the credentials of before much longer. */
    serversChanged(iceServers) {
        this.#servers = { ...this.#servers, iceServers };
        this.#call?.setServers(this.#servers);
    }

    cameraChanged(hasCamera) {
        this.#expectsPicture = hasCamera;
    }

    /** Calls the door, or answers the ring `answering`; a call that stands is kept. */
    start({ answering = null } = {}) {
        if (typeof RTCPeerConnection === "undefined") {
            this.#become({ phase: "failed", reason: { code: "unsupported" } });
            return;
        }
        if (this.#call?.id && answering) {
            this.#awaited = answering;
            this.#send({ type: "call-accept", call: answering });
        } else if (!this.#call) {
            this.#recovery = new Recovery();
            this.#wasLive = this.#isReturning = false;
            this.#resumable = this.#began = null;
            this.#dial(answering);
        }
    }

    /** An acceptance for this page; false when it was not awaited any more (the caller then hangs that call up). */
    accepted(id, continues) {
        if (this.#awaited === null) return false;
        this.#awaited = null;
        if (continues !== undefined && continues === this.#call?.id) return true;
        this.#resumable = this.#resumption;
        if (!this.#call || this.#call.id !== null) this.#makeCall();
        this.#call.accepted(id);
        this.#become({ phase: "connecting" });
        this.#startStep(pictureTimeout, "noConnection");
        return true;
    }

    /** The ring accepted here went to somebody else, or is over. */
    withdraw(ring, reason) {
        if (this.#awaited !== ring) return;
        this.#awaited = null;
        if (this.#call?.id === null) this.#finish("ended", reason);
    }

    hangUp() {
        if (!this.isWanted) return;
        this.#tellHangup();
        this.#finish("idle");
    }

    /** A `call-offer`, `call-answer`, `call-ice-candidate`, `call-hangup` or `call-error` of the call under way. */
    messageReceived(message) {
        if (message.type === "call-error") return this.#errorReceived(message);
        if (!this.#call?.id || message.call !== this.#call.id) return undefined;
        switch (message.type) {
            case "call-offer":
            case "call-answer":
                return this.#call.descriptionReceived(message.description);
            case "call-ice-candidate":
                return this.#call.candidateReceived(message.candidate);
            case "call-hangup":
                return this.#over({ code: message.reason, by: message.by?.name });
            default:
                return undefined;
        }
    }

    /** The track to send to the door from now on, through every later attempt too; null for none. */
    setMicrophoneTrack(track) {
        this.#microphoneTrack = track;
        this.#call?.sendMicrophone(track);
    }

    /** How the lost connection is being recovered, for support and tests. */
    get recovery() {
        const { state, attempt } = this.#recovery;
        return { state, attempt };
    }

    #dial(answering = null) {
        const isRetry = this.isWanted;
        this.#makeCall();
        if (!isRetry) this.#become({ phase: "calling" });
        else this.#become({ phase: "retrying", reason: this.status.reason ?? this.#lastReason ?? { code: "signallingLost" } });
        if (this.#callOut(answering)) this.#startStep(acceptTimeout, "noAnswer");
        else this.#abandon({ code: "signallingLost" });
    }

    #callOut(answering) {
        if (answering === null && this.#resumable) return this.#askForResumption(false);
        this.#awaited = answering ?? "door";
        return this.#send(answering ? { type: "call-accept", call: answering } : { type: "call-initiate", recipient: "door" });
    }

    /** Whether it is given or refused, the secret is of no more use. */
    #askForResumption(keepsMedia) {
        const resumption = this.#resumable;
        this.#awaited = "resumption";
        const isSent = this.#send({ type: "call-resume", resumption, keepsMedia });
        if (isSent) this.#resumable = null;
        return isSent;
    }

    /** What there was is of no use: another connection at once, where the daemon gives it. */
    #dialAnew() {
        if (this.#call) this.#call.id = null;
        this.#recover("ended");
        this.#recover("reachable");
    }

    #makeCall() {
        this.#dropCall();
        const timeline = new Timeline();
        timeline.mark("click");
        this.timeline = timeline;
        const call = new DoorCall({ servers: this.#servers, timeline, send: this.#send });
        const whileCurrent = (action) => (event) => {
            if (call === this.#call) action(event);
        };
        call.addEventListener("connected", whileCurrent(() => this.#connected()));
        call.addEventListener("disconnected", whileCurrent(() => this.#disconnected()));
        call.addEventListener("failed", whileCurrent(() => this.#recover("failed")));
        call.addEventListener("unusable", whileCurrent(({ detail }) => this.#over({ code: detail.reason }, true)));
        this.#call = call;
        if (this.#microphoneTrack) call.sendMicrophone(this.#microphoneTrack);
        this.#picture.show(call.stream);
        this.dispatchEvent(new CustomEvent("channel", { detail: call.channel }));
    }

    #connected() {
        if (!this.#expectsPicture) this.#pictureArrived();
        // a fresh call is recovered once there is a picture; one that was interrupted, with its path
        if (this.status.phase !== "interrupted") return;
        this.#recover("connected");
        this.#progress.at = performance.now();
        if (["disconnected", "restarting"].includes(this.status.why)) this.#restored();
    }

    #disconnected() {
        if (this.status.phase === "live" || this.status.why === "frozen") {
            this.#become({ ...this.status, phase: "interrupted", why: "disconnected" });
        }
        // before there was a picture the time for it runs anyhow
        if (this.status.phase === "interrupted") this.#recover("disconnected");
    }

    /** Tells the recovery what happened, and does what it wants done. */
    #recover(what) {
        const before = this.#recovery.state;
        const action = this.#recovery.handle(what, Date.now());
        const { state, attempt } = this.#recovery;
        if (state !== before) console.info(`doorward: recovery: ${state}${attempt > 0 ? `, attempt ${attempt}` : ""}`);
        switch (action) {
            case "restart":
                if (this.status.phase === "interrupted") this.#become({ ...this.status, why: "restarting" });
                this.#call?.restartIce();
                break;
            case "end":
                this.#tellHangup();
                this.#awaited = null;
                this.#dropCall();
                this.#becomeRetrying();
                break;
            case "reconnect":
                // without signalling the attempt waits for it
                if (this.#isReachable) this.#dial();
                break;
            case "abandon":
                this.#tellHangup();
                this.#finish("failed", this.#wasLive ? { code: "notRecovered" } : this.#lastReason);
                break;
            default:
                break;
        }
        this.#awaitRecovery();
    }

    #awaitRecovery() {
        clearTimeout(this.#timers.recovery);
        const { deadline } = this.#recovery;
        if (deadline === null || !this.isWanted) return;
        this.#timers.recovery = setTimeout(() => this.#recover("timePassed"), Math.max(0, deadline - Date.now()));
    }

    #becomeRetrying() {
        const reason = this.#lastReason ?? { code: "connection_lost" };
        if (this.#isReachable) this.#become({ phase: "retrying", reason, retryAt: this.#recovery.retryAt });
        else this.#become({ phase: "retrying", reason });
    }

    #pictureArrived() {
        if (!this.#call?.id) return;
        clearTimeout(this.#timers.step);
        if (!this.timeline.has("first frame")) {
            this.timeline.mark("first frame");
            console.info(String(this.timeline));
        }
        this.#wasLive = true;
        this.#lastReason = null;
        this.#recover("connected");
        this.#progress = { frames: 0, at: performance.now() };
        if (!["live", "interrupted"].includes(this.status.phase)) {
            this.#become({ phase: "live", since: this.#began ?? Date.now() });
            this.#watch();
        }
    }

    #restored() {
        this.#become({ phase: "live", since: this.status.since });
    }

    /** Once a second: the statistics, and whether the picture still moves. */
    #watch() {
        clearInterval(this.#timers.watch);
        const statistics = new Statistics(this.#call.peerConnection);
        const call = this.#call;
        const observe = async () => {
            const reading = await statistics.read();
            if (call !== this.#call) return;
            this.statistics = reading;
            this.#judge(reading.framesDecoded);
            this.dispatchEvent(new Event("change"));
        };
        observe();
        this.#timers.watch = setInterval(observe, watchInterval);
    }

    #judge(frames) {
        const now = performance.now();
        // While the path is lost no picture can come; the recovery has its own times.
        if (this.#recovery.state !== "steady") return;
        // A hidden page may decode nothing; that says nothing about the door.
        if (frames !== this.#progress.frames || !this.#expectsPicture || document.hidden) {
            this.#progress = { frames, at: now };
            if (this.status.why === "frozen") this.#restored();
            return;
        }
        const still = now - this.#progress.at;
        if (still > frozenPatience) this.#over({ code: "frozen" }, true);
        else if (still > frozenAfter && this.status.phase === "live") {
            this.#become({ ...this.status, phase: "interrupted", why: "frozen" });
        }
    }

    #errorReceived({ code, call, inReplyTo }) {
        if (inReplyTo === "call-resume") return this.#resumptionRefused();
        const isAboutDialling = call === undefined && this.#awaited === "door" && inReplyTo !== "presence";
        if (code === "bad_message") console.error("doorward: the daemon did not understand a message:", inReplyTo ?? "");
        else if (call !== undefined && call === this.#awaited) this.withdraw(call, { code });
        else if (call !== undefined && call === this.#call?.id) this.#over({ code });
        else if (isAboutDialling) this.#over({ code });
    }

    /** The call waits for this page no more: it calls anew, unless the wish was another page's. */
    #resumptionRefused() {
        if (this.#awaited !== "resumption") return;
        this.#awaited = null;
        if (this.#isReturning && !this.#wasLive) this.#finish("idle");
        else this.#dialAnew();
    }

    /** The call is over, by the other side's word or by what was seen here; some ends are worth another try. */
    #over(reason, mustTell = false) {
        // a call that the daemon ended is not hung up again, nor resumed
        if (mustTell) this.#tellHangup();
        else {
            this.#resumable = null;
            if (this.#call) this.#call.id = null;
        }
        this.#awaited = null;
        if (retriedReasons.has(reason.code)) this.#abandon(reason);
        else this.#finish(orderlyReasons.has(reason.code) ? "ended" : "failed", reason);
    }

    /** Gives this attempt up; the recovery plans the next. */
    #abandon(reason) {
        this.#lastReason = reason;
        this.#recover("ended");
    }

    #finish(phase, reason) {
        clearTimeout(this.#timers.recovery);
        this.#awaited = null;
        this.#dropCall();
        this.#picture.clear();
        this.#become({ phase, reason });
    }

    #dropCall() {
        clearTimeout(this.#timers.step);
        clearInterval(this.#timers.watch);
        this.#call?.close();
        this.#call = null;
        this.statistics = null;
    }

    #tellHangup() {
        if (this.#call?.id && this.#send({ type: "call-hangup", call: this.#call.id })) this.#resumable = null;
    }

    #startStep(timeout, code) {
        clearTimeout(this.#timers.step);
        this.#timers.step = setTimeout(() => this.#over({ code }, true), timeout);
    }

    #become(status) {
        this.status = status;
        this.dispatchEvent(new Event("change"));
    }
}
