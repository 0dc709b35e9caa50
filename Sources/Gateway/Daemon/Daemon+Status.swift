import CLinux
import Calls
import ICE
import Media
import PeerConnection
import RTP
import SDP
import Web
import Wire

/// What the daemon is doing, as `GET /api/status` shows it.
struct DaemonStatus: Encodable {
    /// One of the encodes that are made right now.
    struct Encode: Encodable {
        /// `main` or `low`.
        let name: String
        let width: Int
        let height: Int
        let frameRate: Double
        let targetKbps: Int
        let viewers: Int
    }

    struct Video: Encodable {
        let encodings: [Encode]
        /// Pictures taken from the camera while somebody watched.
        let captured: Int
        let encoded: Int
        let keyFrames: Int
        /// Pictures that the encoder had no time for.
        let dropped: Int
        /// CPU time of the encoder alone, in milliseconds.
        let encodeCPUMilliseconds: Double
        /// How old pictures were when the kernel had their first packet, and their last.
        let captureToFirstPacket: Latency
        let captureToLastPacket: Latency
    }

    /// How long something took, in milliseconds, to within the width of a histogram's bucket; the times are absent while
    /// it has not happened.
    struct Latency: Encodable {
        let count: UInt64
        let medianMilliseconds: Double?
        let p95Milliseconds: Double?
        let maxMilliseconds: Double?

        init(_ histogram: LatencyHistogram) {
            let rounded = { (value: Double) in (value * 100).rounded() / 100 }
            count = histogram.count
            medianMilliseconds = histogram.quantile(0.5).map(rounded)
            p95Milliseconds = histogram.quantile(0.95).map(rounded)
            maxMilliseconds = histogram.count == 0 ? nil : rounded(histogram.longest.milliseconds)
        }
    }

    struct Voice: Encodable {
        /// The loudness of the last 20 ms in dBFS; absent while silent.
        let levelDBFS: Double?
        let concealedSamples: Int
        let playedSamples: Int
        let targetDelayMilliseconds: Double
    }

    struct Peer: Encodable {
        let kind: String
        let connectionState: String
        /// What is done about a lost path: `waiting`, `restarting`; absent while there is one.
        let recovery: String?
        let ageSeconds: Double
        let path: String?
        /// The encode that it is sent, and what its network bears for pictures; absent while that is unknown.
        let encoding: String
        let availableVideoKbps: Int?
        let roundTripMilliseconds: Double?
        let videoPacketsSent: UInt64
        let audioPacketsSent: UInt64
        let retransmittedPackets: UInt64
        let packetsReceived: UInt64
        let discards: [String: Int]
        let voice: Voice?
    }

    struct Network: Encodable {
        let datagramsReceived: Int
        let strangers: Int
        let unsent: Int
        let serverErrors: [ServerError]
    }

    /// The place at the meeting point.
    struct Meeting: Encodable {
        /// `connecting`, `connected` or `waiting`.
        let state: String
        /// Why it waits; absent where it does not.
        let problem: String?
        /// By what pages know the door there.
        let door: String
        /// Connections that came about.
        let connections: Int
        /// Pages that are there by that way.
        let pages: Int
        /// What was discarded, by reason.
        let discards: [String: Int]
    }

    /// The last error of a STUN or TURN server.
    struct ServerError: Encodable {
        let url: String
        let code: UInt16
        let reason: String
        let count: Int
        let secondsAgo: Double
    }

    let version: String
    let door: String
    let uptimeSeconds: Double
    let camera: String
    let microphone: String
    let speaker: String
    let isRinging: Bool
    let pages: Int
    let calls: Int
    let players: Int
    /// How far publishing by WHIP is: `waiting`, `offering`, `published`; absent where nothing is published.
    let publication: String?
    /// Absent where there is none.
    let meeting: Meeting?
    let residentBytes: UInt64
    let cpuMilliseconds: Double
    let video: Video
    let network: Network
    let peers: [Peer]
}

extension Daemon {
    func status(at now: Instant) -> HTTPResponse {
        let status = DaemonStatus(
            version: Command.programVersion, door: configuration.door.name,
            uptimeSeconds: (now - startedAt).inSeconds, camera: devices.camera.rawValue,
            microphone: devices.microphone.rawValue, speaker: devices.speaker.rawValue, isRinging: hub.isRinging,
            pages: hub.viewerCount, calls: calls.count, players: players.count,
            publication: publisher?.inWords, meeting: meeting.map(describe),
            residentBytes: linux_resident_bytes(),
            cpuMilliseconds: Duration.nanoseconds(linux_process_cpu_nanoseconds()).milliseconds,
            video: describeVideo(),
            network: .init(
                datagramsReceived: sockets.counters.received, strangers: sockets.counters.strangers,
                unsent: sockets.counters.unsent,
                serverErrors: serverErrors.entries.sorted { $0.key < $1.key }.map { url, error in
                    .init(
                        url: url, code: error.code, reason: error.reason, count: error.count,
                        secondsAgo: (now - error.at).inSeconds)
                }),
            peers: sessions.values.sorted { $0.id.rawValue < $1.id.rawValue }.map { describe($0, at: now) })
        return .json(200, status, isPretty: true)
    }

    private func describe(_ meeting: MeetingPoint) -> DaemonStatus.Meeting {
        .init(
            state: meeting.inWords, problem: meeting.problem, door: meeting.doorName,
            connections: meeting.connections, pages: meeting.pageCount,
            discards: Dictionary(uniqueKeysWithValues: meeting.discards.map { ($0.label, $0.value) }))
    }

    private func describeVideo() -> DaemonStatus.Video {
        let counters = Encoding.allCases.compactMap { video?[$0].counters }
        let encodings = Encoding.allCases.compactMap { encoding -> DaemonStatus.Encode? in
            guard let video, let target = video[encoding].target else { return nil }
            let size = target.format.scale.size(of: video.source.size)
            return .init(
                name: encoding.rawValue, width: size.width, height: size.height,
                frameRate: video.source.frameRate / Double(target.format.frameDivisor),
                targetKbps: target.bitrate / 1000,
                viewers: sessions.values.count { $0.isConnected && $0.encodings.current == encoding })
        }
        return .init(
            encodings: encodings, captured: video?.capturedCount ?? 0,
            encoded: counters.reduce(0) { $0 + $1.encoded }, keyFrames: counters.reduce(0) { $0 + $1.keyFrames },
            dropped: counters.reduce(0) { $0 + $1.dropped },
            encodeCPUMilliseconds: counters.reduce(0) { $0 + $1.encodeCPU.milliseconds },
            captureToFirstPacket: .init(sockets.departures.first), captureToLastPacket: .init(sockets.departures.last))
    }

    private func describe(_ session: Session, at now: Instant) -> DaemonStatus.Peer {
        let statistics = session.peer.statistics
        let kind =
            switch session.viewer {
            case .call: "call"
            case .player: "whep"
            case .publication: "whip"
            }
        let voice = voices?.statistics(of: session.id).map { voice in
            DaemonStatus.Voice(
                levelDBFS: voice.level.isFinite ? voice.level : nil,
                concealedSamples: voice.jitterBuffer.concealedSamples, playedSamples: voice.jitterBuffer.playedSamples,
                targetDelayMilliseconds: voice.jitterBuffer.targetDelay.milliseconds)
        }
        let path = session.peer.selectedPair.map {
            let relayed = $0.local.kind == .relayed ? "relayed " : ""
            let transport = $0.stream == nil ? "" : " over TCP"
            return "\(relayed)\($0.localAddress) – \($0.remoteAddress) (\($0.remote.kind.rawValue)\(transport))"
        }
        return DaemonStatus.Peer(
            kind: kind, connectionState: session.peer.connectionState.rawValue,
            recovery: session.recovery.state == .steady ? nil : "\(session.recovery.state)",
            ageSeconds: (now - session.began).inSeconds, path: path,
            encoding: session.encodings.current.rawValue,
            availableVideoKbps: session.availableVideoBitrate.map { $0 / 1000 },
            roundTripMilliseconds: statistics.roundTripTime?.milliseconds,
            videoPacketsSent: statistics.packetsSent(.video), audioPacketsSent: statistics.packetsSent(.audio),
            retransmittedPackets: statistics.retransmittedPacketsSent, packetsReceived: statistics.packetsReceived,
            discards: Dictionary(uniqueKeysWithValues: session.peer.discards.map { ($0.key.rawValue, $0.value) }),
            voice: voice)
    }
}
