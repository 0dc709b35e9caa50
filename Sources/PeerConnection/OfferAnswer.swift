import DTLS
import ICE
import RTP
import SDP
import Wire

/// Writing descriptions: offers (RFC 8829 §5.2) and answers (§5.3).
extension RTCPeerConnection {
    mutating func makeOffer(restarts: Bool) -> (session: SessionDescription, plan: TransportPlan) {
        // RFC 8829 §5.2.2: a media description keeps its place for ever; new ones are appended
        let previous = negotiated.currentLocal?.session.media ?? []
        for index in transceivers.indices where transceivers[index].mid == nil && !transceivers[index].isStopping {
            transceivers[index].mid = makeMID()
        }
        var media: [MediaDescription] = []
        var continued: Set<TransceiverID> = []
        var isDataContinued = false
        for (index, old) in previous.enumerated() {
            if !isGivenUp(index), isDataSection(old, at: index) {
                media.append(dataDescription(mid: old.mid ?? dataSection?.mid))
                isDataContinued = true
            } else if !isGivenUp(index), let position = position(of: old, at: index),
                !transceivers[position].isStopping
            {
                media.append(offered(transceivers[position]))
                continued.insert(transceivers[position].id)
            } else {
                media.append(rejected(like: old, mid: old.mid ?? "\(index)"))
            }
        }
        for index in transceivers.indices where !continued.contains(transceivers[index].id) {
            guard !transceivers[index].isStopping else { continue }
            transceivers[index].mLineIndex = add(offered(transceivers[index]), to: &media)
        }
        if offersData, !isDataContinued {
            let mid = dataSection?.mid ?? makeMID()
            dataSection = DataSection(mid: mid, index: add(dataDescription(mid: mid), to: &media))
        }
        let plan = planOffer(media, restarts: restarts)
        for index in media.indices where !media[index].isRejected {
            if plan.bundleOnly.contains(index) {
                media[index].isBundleOnly = true
                media[index].port = 0
            } else if let id = plan[index] {
                describe(id, by: plan, setup: .actpass, in: &media[index])
            }
        }
        return (session(media, bundles: [media.filter { !$0.isRejected }.compactMap(\.mid)]), plan)
    }

    mutating func makeAnswer(to offer: SessionDescription) -> (session: SessionDescription, plan: TransportPlan) {
        let groups = acceptableGroups(of: offer)
        let plan = planAnswer(to: offer, accepting: groups)
        let media = offer.media.enumerated().map { index, section in
            guard let id = plan[index], var answer = answered(section, at: index) else {
                return rejected(like: section, mid: section.mid)
            }
            describe(id, by: plan, setup: answerSetup(to: section.setup, of: id), in: &answer)
            return answer
        }
        let bundles = groups.filter { group in
            offer.media[group[0]].mid.map { mid in offer.bundles.contains { $0.contains(mid) } } ?? false
        }
        return (session(media, bundles: bundles.map { $0.compactMap { offer.media[$0].mid } }), plan)
    }

    /// The media descriptions of `offer` that an answer accepts: those that will share a transport, each time the one
    /// first whose transport it is (RFC 9143 §7.3.2: the first of the bundle that is not rejected).
    func acceptableGroups(of offer: SessionDescription) -> [[Int]] {
        let usable = offer.media.indices.filter { isUsable(offer.media[$0], at: $0) }
        var groups = offer.acceptedBundles.map { $0.filter(usable.contains) }.filter { !$0.isEmpty }
        for index in usable where !groups.contains(where: { $0.contains(index) }) {
            // "bundle-only" without the bundle means that it is not wanted (RFC 9143 §6)
            guard !offer.media[index].isBundleOnly else { continue }
            guard !offer.bundles.contains(where: { $0.contains(offer.media[index].mid ?? "") }) else { continue }
            groups.append([index])
        }
        return groups.filter { isAllowed($0, among: groups, of: offer) }
    }

    /// Whether the media description `section` of an offer is one that an answer can accept.
    private func isUsable(_ section: MediaDescription, at index: Int) -> Bool {
        guard !section.isRejected else { return false }
        if isDataSection(section, at: index) { return true }
        // RFC 8829 §5.3.1: what is not multiplexed with RTCP is rejected
        guard section.isRTP, section.isRTCPMultiplexed, chosenCodec(from: section) != nil,
            let position = position(of: section, at: index)
        else { return false }
        return !transceivers[position].isStopping
    }

    /// RFC 8829 §5.3.1: with `max-bundle` a media description is rejected unless it is the first, or bundled with it;
    /// with `balanced`, the first of its kind.
    private func isAllowed(_ group: [Int], among groups: [[Int]], of offer: SessionDescription) -> Bool {
        switch configuration.bundlePolicy {
        case .maxCompat: return true
        case .maxBundle: return group == groups[0]
        case .balanced:
            return group.contains { index in
                let kind = offer.media[index].kind
                return groups.lazy.joined().filter { offer.media[$0].kind == kind }.min() == index
            }
        }
    }

    /// Adds a media description to an offer, and returns its place. RFC 8829 §5.2.2: one that was given up is used again
    /// before another is made.
    private func add(_ section: MediaDescription, to media: inout [MediaDescription]) -> Int {
        guard let place = media.indices.first(where: { isGivenUp($0) && media[$0].isRejected }) else {
            media.append(section)
            return media.count - 1
        }
        media[place] = section
        return place
    }

    /// Whether the last exchange has rejected the media description `index`: then it has no transceiver, and never again
    /// one of its tag.
    private func isGivenUp(_ index: Int) -> Bool {
        [negotiated.currentLocal, negotiated.currentRemote].contains { entry in
            guard let media = entry?.session.media, media.indices.contains(index) else { return false }
            return media[index].isRejected
        }
    }

    /// Where the transceiver of the media description `section` is, the description's `index`th: found by its tag, else
    /// by its place.
    func position(of section: MediaDescription, at index: Int) -> Int? {
        transceivers.firstIndex { transceiver in
            section.mid.map { transceiver.mid == $0 } ?? (transceiver.mLineIndex == index && !transceiver.isStopped)
        }
    }

    // MARK: Media descriptions

    private func offered(_ transceiver: RTCRtpTransceiver) -> MediaDescription {
        var section = multiplexedDescription(transceiver.kind)
        section.mid = transceiver.mid
        section.direction = transceiver.wantedDirection
        // within a bundle a payload type has one meaning (RFC 9143 §9.1), so that a new track uses what another agreed on
        let agreed = transceivers.first { $0.kind == transceiver.kind && $0.negotiatedCodec != nil }?.negotiatedCodec
        section.codecs = CodecPreferences.offer(
            for: transceiver.kind, negotiated: transceiver.negotiatedCodec ?? agreed)
        section.headerExtensions = offeredExtensions(of: transceiver)
        describeSending(transceiver, in: &section)
        return section
    }

    /// The answer to the media description `section`, still without its transport; nil for one that is of no use.
    private func answered(_ section: MediaDescription, at index: Int) -> MediaDescription? {
        if isDataSection(section, at: index) { return dataDescription(mid: section.mid) }
        guard let codec = chosenCodec(from: section), let position = position(of: section, at: index)
        else { return nil }
        return answered(transceivers[position], to: section, with: codec)
    }

    private func answered(
        _ transceiver: RTCRtpTransceiver, to offer: MediaDescription, with chosen: RTCRtpTransceiver.NegotiatedCodec
    ) -> MediaDescription {
        var section = multiplexedDescription(transceiver.kind)
        section.mid = offer.mid
        section.direction = transceiver.wantedDirection.intersection(offer.direction.reversed)
        section.codecs = CodecPreferences.offer(for: transceiver.kind, negotiated: chosen)
        section.headerExtensions = CodecPreferences.headerExtensions(for: transceiver.kind).compactMap { known in
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
    /// roles. GStreamer's webrtcbin (1.22), where it has been the server, offers "active" all the same: RFC 4145 §4.1
    /// knows one answer to that, and by it neither side begins a new association.
    private func answerSetup(to offered: SetupRole?, of id: PeerTransport.ID) -> SetupRole {
        switch offered {
        case .active: return .passive
        case .passive: return .active
        default: break
        }
        let isServer = transport(id)?.dtls.map { $0.role == .server }
        return isServer ?? configuration.prefersDTLSServer ? .passive : .active
    }

    private func multiplexedDescription(_ kind: MediaKind) -> MediaDescription {
        var section = MediaDescription(kind: kind, transportProtocol: MediaDescription.rtpProtocol)
        section.isRTCPMultiplexed = true
        section.isRTCPReducedSize = true
        return section
    }

    /// Says in `section` what the transport `id` is reached with. RFC 8842 §5.5: an established association keeps its
    /// roles; an offer's actpass leaves that to the answer.
    private func describe(
        _ id: PeerTransport.ID, by plan: TransportPlan, setup: SetupRole, in section: inout MediaDescription
    ) {
        let credentials = credentials(of: id, by: plan)
        section.iceUfrag = credentials.usernameFragment
        section.icePwd = credentials.password
        section.iceOptions = ["trickle"]
        // RFC 8829 §5.2.1: a fingerprint "for each of the endpoint's certificates"
        section.fingerprints = configuration.certificates.map { certificate in
            let fingerprint = certificate.fingerprint(.sha256)
            return SDPFingerprint(hashFunction: fingerprint.hashFunction.rawValue, bytes: fingerprint.bytes)
        }
        section.setup = setup
    }

    private func describeSending(_ transceiver: RTCRtpTransceiver, in section: inout MediaDescription) {
        guard section.direction.sends else { return }
        section.msids = (transceiver.streamIDs.isEmpty ? ["-"] : transceiver.streamIDs).map {
            MSID(stream: $0, track: transceiver.trackID)
        }
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

    private mutating func session(_ media: [MediaDescription], bundles: [[String]]) -> SessionDescription {
        defer { sessionVersion += 1 }
        return SessionDescription(
            origin: .init(sessionID: sessionIdentifier, sessionVersion: sessionVersion),
            groups: bundles.filter { !$0.isEmpty }.map { .init("BUNDLE", $0) }, media: media)
    }

    /// An identification tag that no media description has.
    mutating func makeMID(besides others: [String] = []) -> String {
        let taken = Set(
            transceivers.compactMap(\.mid) + [dataSection?.mid].compactMap(\.self)
                + (negotiated.currentRemote?.session.media.compactMap(\.mid) ?? []) + others)
        while taken.contains("\(nextMID)") { nextMID += 1 }
        defer { nextMID += 1 }
        return "\(nextMID)"
    }
}
