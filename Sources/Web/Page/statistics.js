// What getStats() says about a call, as one flat record a second.

/** Reads one peer connection's reports and the rates between two readings. */
export class Statistics {
    #peerConnection;
    #last = null;

    constructor(peerConnection) {
        this.#peerConnection = peerConnection;
    }

    /** The record of now; rates are null in the first. */
    async read() {
        const reports = await this.#peerConnection.getStats();
        const byId = (id) => (id === undefined ? undefined : reports.get(id));
        const inbound = (kind) => [...reports.values()].find((report) => report.type === "inbound-rtp" && report.kind === kind);
        const video = inbound("video");
        const audio = inbound("audio");
        const pair = selectedPair(reports);
        const now = {
            at: performance.now(),
            bytes: (video?.bytesReceived ?? 0) + (audio?.bytesReceived ?? 0),
            received: (video?.packetsReceived ?? 0) + (audio?.packetsReceived ?? 0),
            lost: (video?.packetsLost ?? 0) + (audio?.packetsLost ?? 0),
            framesDecoded: video?.framesDecoded ?? 0,
            bufferDelay: video?.jitterBufferDelay ?? 0,
            bufferCount: video?.jitterBufferEmittedCount ?? 0,
        };
        const before = this.#last;
        this.#last = now;
        const seconds = before ? (now.at - before.at) / 1000 : 0;
        const over = (key) => (before && seconds > 0 ? (now[key] - before[key]) / seconds : null);
        const emitted = before ? now.bufferCount - before.bufferCount : 0;
        const expected = now.received + now.lost;
        const codecs = [byId(video?.codecId), byId(audio?.codecId)].filter(Boolean);
        return {
            width: video?.frameWidth ?? null,
            height: video?.frameHeight ?? null,
            framesDecoded: now.framesDecoded,
            frameRate: over("framesDecoded"),
            bitrate: before ? over("bytes") * 8 : null,
            roundTrip: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
            loss: expected > 0 ? Math.max(0, now.lost) / expected : null,
            buffered: emitted > 0 ? ((now.bufferDelay - before.bufferDelay) / emitted) * 1000 : null,
            codecs: codecs.map((codec) => codec.mimeType.split("/")[1]),
            path: pair ? [byId(pair.localCandidateId), byId(pair.remoteCandidateId)].map((end) => end?.candidateType) : [],
            totalAudioEnergy: audio?.totalAudioEnergy ?? null,
        };
    }
}

/** The report of the pair that media goes by; undefined before there is one. */
export function selectedPair(reports) {
    for (const report of reports.values()) {
        if (report.type === "transport" && report.selectedCandidatePairId) return reports.get(report.selectedCandidatePairId);
    }
    // Firefox names the pair in use on the pair itself.
    return [...reports.values()].find((report) => report.type === "candidate-pair" && (report.selected || report.nominated));
}
