import Media
import PeerConnection
import RTP
import SDP
import Wire

/// What `doorward view` shows: the connection, and what came of picture and sound in the last second.
struct ViewReport {
    private struct Reading {
        let at: Instant
        let received: Viewer.Received
    }

    private let title: String
    private let began: Instant
    private var last: Reading?

    init(title: String, at now: Instant) {
        self.title = title
        began = now
    }

    /// The lines of this moment; `saved` names the files that are written.
    mutating func lines(of viewer: Viewer, saved: [MediaFile], at now: Instant) -> [String] {
        defer { last = Reading(at: now, received: viewer.received) }
        let seconds = last.map { (now - $0.at).inSeconds } ?? (now - began).inSeconds
        let before = last?.received ?? Viewer.Received()
        let rate = { (count: Int, earlier: Int) in seconds > 0 ? Double(count - earlier) / seconds : 0 }
        let received = viewer.received
        var lines = [
            "\(title)  \((now - began).inWords)",
            "connection  \(connection(viewer))",
            "path        \(path(viewer))",
            "picture     "
                + stream(
                    viewer, .video, rate: rate(received.pictures, before.pictures), unit: "pictures/s",
                    bits: rate(received.pictureBytes, before.pictureBytes) * 8,
                    tail: ", key frames \(received.keyFrames)"),
            "sound       "
                + stream(
                    viewer, .audio, rate: rate(received.soundPackets, before.soundPackets), unit: "packets/s",
                    bits: rate(received.soundBytes, before.soundBytes) * 8, tail: ""),
        ]
        if !saved.isEmpty {
            lines.append(
                "saved       " + saved.map { "\($0.path) \(Self.size($0.bytesWritten))" }.joined(separator: ", "))
        }
        return lines
    }

    private func connection(_ viewer: Viewer) -> String {
        let state = viewer.connectionState.rawValue
        guard let protection = viewer.protection else { return state }
        return "\(state), \(protection.dtlsCipher), \(protection.srtpCipher)"
    }

    private func path(_ viewer: Viewer) -> String {
        guard let pair = viewer.selectedPair else { return "none yet" }
        let roundTrip = viewer.statistics.roundTripTime.map { ", round trip \(Self.decimal($0.milliseconds)) ms" } ?? ""
        return "\(pair.local.kind.rawValue) \(pair.localAddress) to \(pair.remote.kind.rawValue) "
            + "\(pair.remoteAddress)\(roundTrip)"
    }

    private func stream(
        _ viewer: Viewer, _ kind: MediaKind, rate: Double, unit: String, bits: Double, tail: String
    ) -> String {
        guard let codec = viewer.codec(of: kind) else { return "none" }
        let profile = codec.parameter("profile-level-id").map { " \($0)" } ?? ""
        var text = "\(codec.name)\(profile), \(Self.decimal(rate)) \(unit), \(Self.bitrate(bits))\(tail)"
        let inbound = viewer.statistics.inbound.filter { $0.kind == kind }.map(\.received)
        if let jitter = inbound.map(\.jitter).max() {
            let lost = inbound.map { max(0, $0.packetsLost) }.reduce(Int64(0), +)
            let expected = inbound.map { Int64($0.packetsReceived) }.reduce(lost, +)
            let percent = expected > 0 ? 100 * Double(lost) / Double(expected) : 0
            text += ", lost \(lost) (\(Self.decimal(percent)) %), jitter \(Self.decimal(jitter.milliseconds)) ms"
        }
        return text
    }

    private static func decimal(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    private static func bitrate(_ bits: Double) -> String {
        bits >= 1e6 ? "\(decimal(bits / 1e6)) Mbit/s" : "\(Int64((bits / 1e3).rounded())) kbit/s"
    }

    private static func size(_ bytes: Int) -> String {
        bytes >= 1_000_000 ? "\(decimal(Double(bytes) / 1e6)) MB" : "\(bytes / 1000) kB"
    }
}
