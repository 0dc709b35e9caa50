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
        var continued: Set<TransceiverID> = []
        for (index, old) in previous.enumerated() {
            if !old.isRejected, let position = position(of: old, at: index), !transceivers[position].isStopped {
                media.append(offered(transceivers[position]))
                continued.insert(transceivers[position].id)
            } else {
                media.append(rejected(like: old, mid: old.mid ?? "\(index)"))
            }
        }
        for index in transceivers.indices where !continued.contains(transceivers[index].id) {
            guard !transceivers[index].isStopped else { continue }
            transceivers[index].mLineIndex = media.count
            media.append(offered(transceivers[index]))
        }
        return session(media, bundle: media.filter { !$0.isRejected }.compactMap(\.mid))
    }

    mutating func makeAnswer(to offer: SessionDescription, at now: Instant) -> SessionDescription {
        let accepted = acceptableSections(of: offer)
        if let first = accepted.first { restartIfAsked(by: offer, for: first, at: now) }
        let media = offer.media.enumerated().map { index, section in
            guard accepted.contains(index), let codec = CodecPreferences.choose(from: section),
                let position = position(of: section, at: index)
            else { return rejected(like: section, mid: section.mid) }
            return answered(transceivers[position], to: section, with: codec)
        }
        let tags = accepted.compactMap { offer.media[$0].mid }
        let isBundled = tags.first.map { first in offer.bundles.contains { $0.contains(first) } } ?? false
        return session(media, bundle: isBundled ? tags : [])
    }

    /// The media descriptions of `offer` that an answer accepts, the one whose transport all share first.
    ///
    /// RFC 9143 §7.3.2: that is the first of the bundle that is not rejected. Without a bundle only one has our one
    /// transport.
    func acceptableSections(of offer: SessionDescription) -> [Int] {
        let usable = offer.media.indices.filter { index in
            let section = offer.media[index]
            // RFC 8829 §5.3.1: what is not multiplexed with RTCP is rejected
            guard section.isRTP, !section.isRejected, section.isRTCPMultiplexed,
                CodecPreferences.choose(from: section) != nil, let position = position(of: section, at: index)
            else { return false }
            return !transceivers[position].isStopped
        }
        let bundle = offer.bundles.lazy.map { tags in
            var members: [Int] = []
            for tag in tags {
                guard let index = usable.first(where: { offer.media[$0].mid == tag }) else { continue }
                if !members.contains(index) { members.append(index) }
            }
            return members
        }.first { !$0.isEmpty }
        // "bundle-only" without the bundle means that it is not wanted (RFC 9143 §6)
        let alone = usable.first { index in
            !offer.media[index].isBundleOnly && !offer.bundles.contains { $0.contains(offer.media[index].mid ?? "") }
        }
        return bundle ?? alone.map { [$0] } ?? []
    }

    /// Where the transceiver of the media description `section` is, the description's `index`th: found by its tag, else
    /// by its place.
    func position(of section: MediaDescription, at index: Int) -> Int? {
        transceivers.firstIndex { transceiver in
            section.mid.map { transceiver.mid == $0 } ?? (transceiver.mLineIndex == index && !transceiver.isStopped)
        }
    }

    /// RFC 8445 §9, RFC 8839 §4.4.1.1: an offer whose credentials have changed restarts ICE; the answer has new ones as
    /// well.
    private mutating func restartIfAsked(by offer: SessionDescription, for section: Int, at now: Instant) {
        guard let known = ice.remoteCredentials, let transport = RemoteTransport(of: offer, for: section),
            known != transport.credentials
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
        // within a bundle a payload type has one meaning (RFC 9143 §9.1), so that a new track uses what another agreed on
        let agreed = transceivers.first { $0.kind == transceiver.kind && $0.negotiatedCodec != nil }?.negotiatedCodec
        section.codecs = CodecPreferences.offer(
            for: transceiver.kind, negotiated: transceiver.negotiatedCodec ?? agreed)
        section.headerExtensions = CodecPreferences.headerExtensions.map {
            SDP.HeaderExtension(id: headerExtensionIDs[$0.uri] ?? $0.identifier, uri: $0.uri)
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
        section.headerExtensions = CodecPreferences.headerExtensions.compactMap { known in
            offer.headerExtensions.first { $0.uri == known.uri && $0.id <= 255 }.map {
                SDP.HeaderExtension(id: $0.id, uri: $0.uri, direction: $0.direction?.reversed)
            }
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

    private mutating func session(_ media: [MediaDescription], bundle tags: [String]) -> SessionDescription {
        defer { sessionVersion += 1 }
        return SessionDescription(
            origin: .init(sessionID: sessionIdentifier, sessionVersion: sessionVersion),
            groups: tags.isEmpty ? [] : [.init("BUNDLE", tags)], media: media)
    }

    /// An identification tag that no media description has.
    mutating func makeMID(besides others: [String] = []) -> String {
        let taken = Set(
            transceivers.compactMap(\.mid) + (negotiated.currentRemote?.session.media.compactMap(\.mid) ?? []) + others)
        while taken.contains("\(nextMID)") { nextMID += 1 }
        defer { nextMID += 1 }
        return "\(nextMID)"
    }
}
