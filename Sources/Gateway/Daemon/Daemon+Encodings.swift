import Media
import PeerConnection
import SDP
import Wire

/// What is encoded, and who is sent which of it.
extension Daemon {
    /// Looks at what every viewer's network bears, and has encoded what suits them.
    func updateEncodings(at now: Instant) {
        guard let video, encodings.isDue(at: now) else { return }
        var viewers: [SessionID: Int?] = [:]
        for (id, session) in sessions where session.isConnected {
            viewers[id] = .some(session.availableVideoBitrate)
            session.allowForRepairs(at: now)
        }
        let changes = encodings.update(
            viewers, source: video.source, counters: video[.main].counters, at: now)
        // what is encoded already is there once, in one size: a plan only says in how many bits it would be best
        let isPassedThrough = video.isPassedThrough
        for change in changes where !isPassedThrough { log.info("video: \(change)") }
        for (id, planned) in encodings.plan.encodings {
            let encoding = isPassedThrough ? .main : planned
            guard let session = sessions[id], session.want(encoding) else { continue }
            video[encoding].requestKeyFrame()
        }
        for encoding in Encoding.allCases {
            let isTaken = sessions.values.contains { $0.isConnected && $0.takes(encoding) }
            // who moves to the other encode has this one until then
            var target = isTaken ? encodings.plan[encoding] ?? video[encoding].target : nil
            if isPassedThrough { target = target.map { EncodingTarget(bitrate: $0.bitrate) } }
            video[encoding].setTarget(target)
        }
    }

    /// Says so where what is passed on is of another profile than was agreed on with `session`: most browsers show it all
    /// the same.
    func checkProfile(of session: Session) {
        guard let sent = video?.passedProfile, let description = session.peer.localDescription,
            let agreed = try? SessionDescription(parsing: description.sdp).media.first(where: { $0.kind == .video })
                .flatMap({ $0.codecs.lazy.compactMap { H264Parameters($0) }.first }),
            !agreed.profile.decodes(sent)
        else { return }
        log.warning(
            "peer \(session.id): is sent H.264 of the profile \(sent), though \(agreed.profileLevelID) was agreed on, "
                + "for it offered nothing nearer")
    }
}
