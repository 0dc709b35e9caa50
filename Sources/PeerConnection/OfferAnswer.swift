import DTLS
import ICE
import RTP
import SDP
import Wire

/// Writing descriptions: offers (RFC 8829 §5.2) and answers (§5.3).
extension RTCPeerConnection {
    mutating func makeOffer() -> SessionDescription {
        // RFC 8829 §5.2.2: a media description keeps its place for ever; new ones are appended
        let previous = negotiated.currentLocal?.session.media ?? []
        for index in transceivers.indices where transceivers[index].mid == nil && !transceivers[index].isStopped {
            transceivers[index].mid = makeMID()
        }
        var media: [MediaDescription] = []
        for (index, old) in previous.enumerated() {
            if let transceiver = transceivers.first(where: { $0.mid == old.mid }), !transceiver.isStopped,
                !old.isRejected
            {
                media.append(offered(transceiver))
            } else {
                media.append(rejected(like: old, mid: old.mid ?? "\(index)"))
            }
        }
        for transceiver in transceivers where !transceiver.isStopped {
            guard !previous.contains(where: { $0.mid == transceiver.mid }) else { continue }
            media.append(offered(transceiver))
        }
        for index in transceivers.indices {
            transceivers[index].mLineIndex = media.firstIndex { $0.mid == transceivers[index].mid }
        }
        return session(media)
    }

    mutating func makeAnswer(to offer: SessionDescription, at now: Instant) -> SessionDescription {
        restartIfAsked(by: offer, at: now)
        // The first bundle's members share our one transport. Without a bundle only the first usable media description
        // has one.
        let usable = offer.media.filter { $0.isRTP && !$0.isRejected && $0.isRTCPMultiplexed }
        let members = offer.bundles.first.map(Set.init) ?? Set(usable.prefix(1).compactMap(\.mid))
        var hasUnbundled = false
        var media: [MediaDescription] = []
        for (index, section) in offer.media.enumerated() {
            let mid = section.mid ?? "\(index)"
            let isMember = section.mid.map(members.contains) ?? !hasUnbundled
            guard usable.contains(section), isMember, let codec = CodecPreferences.choose(from: section),
                let transceiver = transceivers.first(where: { $0.mid == mid && !$0.isStopped })
            else {
                media.append(rejected(like: section, mid: section.mid))
                continue
            }
            if section.mid == nil { hasUnbundled = true }
            media.append(answered(transceiver, to: section, with: codec))
        }
        return session(media, bundle: !offer.bundles.isEmpty)
    }

    /// RFC 8445 §9, RFC 8839 §4.4.1.1: an offer whose credentials have changed restarts ICE; the answer has new ones as
    /// well.
    private mutating func restartIfAsked(by offer: SessionDescription, at now: Instant) {
        guard let known = ice.remoteCredentials,
            let first = offer.media.indices.first(where: { !offer.media[$0].isRejected }),
            let transport = offer.transportSection(for: first),
            let ufrag = offer.media[transport].iceUfrag, let password = offer.media[transport].icePwd,
            known != ICECredentials(usernameFragment: ufrag, password: password)
        else { return }
        ice.handle(.restart(ICECredentials(random: random)), at: now)
        drainTransport(at: now)
    }

    // MARK: Media descriptions

    private func offered(_ transceiver: RTCRtpTransceiver) -> MediaDescription {
        var section = transportDescription(transceiver.kind, setup: .actpass)
        // RFC 8842 §5.5: an established association keeps its roles; actpass leaves that to the answer
        section.mid = transceiver.mid
        section.direction = transceiver.direction
        section.codecs = CodecPreferences.offer(for: transceiver.kind, negotiated: transceiver.negotiatedCodec)
        section.headerExtensions = CodecPreferences.headerExtensions.map {
            SDP.HeaderExtension(id: $0.identifier, uri: $0.uri)
        }
        describeSending(transceiver, in: &section)
        return section
    }

    private func answered(
        _ transceiver: RTCRtpTransceiver, to offer: MediaDescription, with chosen: RTCRtpTransceiver.NegotiatedCodec
    ) -> MediaDescription {
        var section = transportDescription(transceiver.kind, setup: answerSetup(to: offer.setup))
        section.mid = offer.mid
        section.direction = transceiver.direction.intersection(offer.direction.reversed)
        section.codecs = CodecPreferences.offer(for: transceiver.kind, negotiated: chosen)
        let known = Set(CodecPreferences.headerExtensions.map(\.uri))
        section.headerExtensions = offer.headerExtensions.filter { known.contains($0.uri) && $0.id <= 255 }.map {
            SDP.HeaderExtension(id: $0.id, uri: $0.uri)
        }
        section.isRTCPReducedSize = offer.isRTCPReducedSize
        section.allowsMixedHeaderExtensions = offer.allowsMixedHeaderExtensions
        describeSending(transceiver, in: &section)
        return section
    }

    /// RFC 8842 §5.3: the answerer chooses where the offer leaves the choice; an association that exists keeps its
    /// roles.
    private func answerSetup(to offered: SetupRole?) -> SetupRole {
        if let dtls { return dtls.role == .server ? .passive : .active }
        switch offered {
        case .active: return .passive
        case .passive: return .active
        default: return configuration.prefersDTLSServer ? .passive : .active
        }
    }

    private func transportDescription(_ kind: MediaKind, setup: SetupRole) -> MediaDescription {
        var section = MediaDescription(kind: kind, transportProtocol: MediaDescription.rtpProtocol)
        section.isRTCPMultiplexed = true
        section.isRTCPReducedSize = true
        section.iceUfrag = ice.credentials.usernameFragment
        section.icePwd = ice.credentials.password
        section.iceOptions = ["trickle"]
        let fingerprint = configuration.certificate.fingerprint(.sha256)
        section.fingerprints = [
            SDPFingerprint(hashFunction: fingerprint.hashFunction.rawValue, bytes: fingerprint.bytes)
        ]
        section.setup = setup
        return section
    }

    private func describeSending(_ transceiver: RTCRtpTransceiver, in section: inout MediaDescription) {
        guard section.direction.sends else { return }
        section.msids = [MSID(stream: transceiver.streamID, track: transceiver.trackID)]
        section.sources = [Source(ssrc: transceiver.ssrc.rawValue, cname: configuration.canonicalName)]
        if section.codecs.contains(where: { $0.isNamed("rtx") }) {
            section.sources.append(Source(ssrc: transceiver.rtxSSRC.rawValue, cname: configuration.canonicalName))
            section.sourceGroups = [SourceGroup("FID", [transceiver.ssrc.rawValue, transceiver.rtxSSRC.rawValue])]
        }
    }

    /// RFC 8829 §5.3.1: a rejected media description has port 0 and, for the grammar's sake, one of the offer's
    /// formats.
    private func rejected(like section: MediaDescription, mid: String?) -> MediaDescription {
        var rejection = MediaDescription(
            kind: section.kind, transportProtocol: section.transportProtocol, port: 0, direction: .inactive)
        rejection.mid = mid
        rejection.codecs = Array(section.codecs.prefix(1))
        rejection.otherFormats = Array(section.otherFormats.prefix(1))
        return rejection
    }

    private mutating func session(_ media: [MediaDescription], bundle: Bool = true) -> SessionDescription {
        defer { sessionVersion += 1 }
        let members = media.filter { !$0.isRejected }.compactMap(\.mid)
        return SessionDescription(
            origin: .init(sessionID: sessionIdentifier, sessionVersion: sessionVersion),
            groups: bundle && !members.isEmpty ? [.init("BUNDLE", members)] : [], media: media)
    }

    private mutating func makeMID() -> String {
        let taken = Set(
            transceivers.compactMap(\.mid) + (negotiated.currentRemote?.session.media.compactMap(\.mid) ?? []))
        while taken.contains("\(nextMID)") { nextMID += 1 }
        defer { nextMID += 1 }
        return "\(nextMID)"
    }

    // MARK: Candidates

    /// The description `session` with every candidate gathered so far in the media description whose transport is
    /// shared.
    func withCandidates(_ session: SessionDescription) -> SessionDescription {
        guard let first = session.media.firstIndex(where: { !$0.isRejected }) else { return session }
        var session = session
        session.media[first].candidates = ice.localCandidates.filter { $0.kind != .peerReflexive }.map(\.attribute)
        session.media[first].hasEndOfCandidates = ice.gatheringState == .complete
        return session
    }

    /// Trickles a candidate that no description could have yet.
    mutating func emit(_ candidate: ICECandidate) {
        emit(candidate.attribute)
    }

    mutating func emitEndOfCandidates() {
        emit("")
    }

    private mutating func emit(_ attribute: String) {
        // what is gathered before the first description, or while one with new credentials is made, stands in that
        // description
        guard let local = negotiated.local?.session, let index = local.media.firstIndex(where: { !$0.isRejected }),
            local.media[index].iceUfrag == ice.credentials.usernameFragment
        else { return }
        events.append(
            .iceCandidate(
                RTCIceCandidate(
                    candidate: attribute, sdpMid: local.media[index].mid, sdpMLineIndex: UInt16(index),
                    usernameFragment: ice.credentials.usernameFragment)))
    }
}
