import Media
import Wire

/// What is encoded, and who is sent which of it.
extension Daemon {
    /// Looks at what every viewer's network bears, and has encoded what suits them.
    func updateEncodings(at now: Instant) {
        guard let video, encodings.isDue(at: now) else { return }
        var viewers: [SessionID: Int?] = [:]
        for (id, session) in sessions where session.isConnected { viewers[id] = .some(session.availableVideoBitrate) }
        let changes = encodings.update(
            viewers, source: video.source, counters: video[.main].counters, at: now)
        for change in changes { log.info("video: \(change)") }
        for (id, encoding) in encodings.plan.encodings {
            guard let session = sessions[id], session.want(encoding) else { continue }
            video[encoding].requestKeyFrame()
        }
        for encoding in Encoding.allCases {
            let isTaken = sessions.values.contains { $0.isConnected && $0.takes(encoding) }
            // who moves to the other encode has this one until then
            video[encoding].setTarget(isTaken ? encodings.plan[encoding] ?? video[encoding].target : nil)
        }
    }
}
