import RTP
import SDP

/// The codecs of this endpoint, and how they are found in another's description.
enum CodecPreferences {
    /// H.264 constrained baseline, packetization mode 1 (RFC 6184, RFC 7742 §6.2), with the feedback that this sender
    /// answers.
    static let h264 = RTPCodec(
        payloadType: 102, name: "H264", clockRate: 90_000,
        parameters: H264Parameters(profile: .constrainedBaseline, level: level).formatParameters,
        feedback: videoFeedback)

    /// The highest level that this endpoint asks for: 3.1, 1280x720 at 30 pictures a second.
    private static let level = H264Level(idc: 31)

    /// Opus, which is always 48 kHz and two channels in SDP (RFC 7587 §7).
    static let opus = RTPCodec(
        payloadType: 111, name: "opus", clockRate: 48_000, channels: 2,
        parameters: [FormatParameter("minptime", "10"), FormatParameter("useinbandfec", "1")], feedback: audioFeedback)

    private static let videoFeedback: [RTCPFeedback] = [
        .nack, .pictureLossIndication, .fullIntraRequest, .transportCC, .remb,
    ]
    /// A lost packet of sound is concealed before it could come again; but it counts for the path's account.
    private static let audioFeedback: [RTCPFeedback] = [.transportCC]
    private static let rtxPayloadType: UInt8 = 103

    /// The codecs to offer for `kind`: the ones agreed on before under their numbers, else ours.
    static func offer(
        for kind: MediaKind, negotiated: RTCRtpTransceiver.NegotiatedCodec?
    ) -> [RTPCodec] {
        let rtx = { (payloadType: UInt8, primary: UInt8) in
            RTPCodec(
                payloadType: payloadType, name: "rtx", clockRate: 90_000,
                parameters: [FormatParameter("apt", String(primary))])
        }
        if let negotiated {
            return [negotiated.codec]
                + (negotiated.rtxPayloadType.map { [rtx($0, negotiated.codec.payloadType)] } ?? [])
        }
        return kind == .video ? [h264, rtx(rtxPayloadType, h264.payloadType)] : [opus]
    }

    /// The codec of the offered media description `section` that this endpoint answers with, and the answer's text for
    /// it; nil where there is none in common. Of H.264 `profile` is taken, else what every endpoint decodes.
    static func choose(
        from section: MediaDescription, preferring profile: H264Profile
    ) -> RTCRtpTransceiver.NegotiatedCodec? {
        // RFC 5761 §4: where RTP and RTCP share a port, payload types 64 to 95 look like RTCP
        let codecs = section.codecs.filter { !(64...95).contains($0.payloadType) }
        switch section.kind {
        case .video:
            // A plain baseline decoder takes constrained baseline, too (RFC 6184 §8.1).
            let candidates = codecs.filter { $0.isNamed("H264") && $0.clockRate == 90_000 }
            let parameters = candidates.compactMap { codec in H264Parameters(codec).map { (codec, $0) } }
            let usable = parameters.filter { $0.1.packetizationMode == 1 }
            let chosen = [profile, .constrainedBaseline, .baseline].lazy
                .compactMap { wanted in usable.first { $0.1.profile == wanted } }.first
            guard var codec = chosen?.0, let theirs = chosen?.1 else { return nil }
            // a description says what its own side receives; sprop-parameter-sets, too, are theirs (RFC 6184 §8.2.2)
            let ours = H264Parameters(profile: theirs.profile, level: level)
            codec.parameters = (ours.answer(to: theirs) ?? ours).formatParameters
            codec.feedback = videoFeedback.filter(codec.feedback.contains)
            let rtx = codecs.first { $0.isNamed("rtx") && $0.associatedPayloadType == codec.payloadType }
            return .init(codec: codec, rtxPayloadType: rtx?.payloadType)
        case .audio:
            guard
                var codec = codecs.first(where: {
                    $0.isNamed("opus") && $0.clockRate == 48_000 && $0.channels == 2
                })
            else { return nil }
            codec.parameters = opus.parameters
            codec.feedback = audioFeedback.filter(codec.feedback.contains)
            return .init(codec: codec, rtxPayloadType: nil)
        case .application, .other:
            return nil
        }
    }

    /// The header extensions that this endpoint uses in streams of `kind`, by the number it gives them in its first
    /// offer. RFC 9143 §9.2 binds the streams of a bundle to one meaning for each number.
    static func headerExtensions(for kind: MediaKind) -> [(identifier: UInt16, uri: String)] {
        let all: [(UInt16, RTP.HeaderExtension)] = [
            (1, .mid), (2, .absoluteSendTime), (3, .transportSequenceNumber),
        ]
        let own: (UInt16, RTP.HeaderExtension) = kind == .audio ? (4, .audioLevel) : (5, .playoutDelay)
        return (all + [own]).map { ($0.0, $0.1.rawValue) }
    }
}

extension RTCPeerConnection {
    /// The codec of the media description `section` that this endpoint uses; nil where there is none in common.
    func chosenCodec(from section: MediaDescription) -> RTCRtpTransceiver.NegotiatedCodec? {
        CodecPreferences.choose(from: section, preferring: configuration.h264Profile)
    }

    /// The header extensions of an offered media description. One that was agreed on keeps those of the last answer (RFC
    /// 8829 §5.2.2); another has all, each under the number that it, and nothing else, has in this session (RFC 8285 §5).
    func offeredExtensions(of transceiver: RTCRtpTransceiver) -> [SDP.HeaderExtension] {
        let theirs = negotiated.currentRemote?.session.media ?? []
        let ours = negotiated.currentLocal?.session.media.first { $0.mid == transceiver.mid && !$0.isRejected }
        let known = CodecPreferences.headerExtensions(for: transceiver.kind)
        if let ours, let answered = theirs.first(where: { $0.mid == ours.mid }) {
            let agreed = ours.headerExtensions.filter { item in
                answered.headerExtensions.contains { $0.uri == item.uri }
                    && known.contains { $0.uri == item.uri }
            }
            return agreed.map { SDP.HeaderExtension(id: $0.id, uri: $0.uri) }
        }
        var numbers: [UInt16: String] = [:]
        for item in theirs.flatMap(\.headerExtensions) { numbers[item.id] = item.uri }
        for (uri, id) in headerExtensionIDs { numbers[id] = uri }
        return known.compactMap { uri in
            let own = numbers.filter { $0.value == uri.uri }.keys.min()
            let free = ([uri.identifier] + Array(1...14)).first { numbers[$0] == nil }
            guard let id = own ?? free else { return nil }
            numbers[id] = uri.uri
            return SDP.HeaderExtension(id: id, uri: uri.uri)
        }
    }
}
