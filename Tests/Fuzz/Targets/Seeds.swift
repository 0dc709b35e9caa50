import ICE
import RTP
import RecordedOffers
import SCTP
import SDP
import SimulatedPeers
import Wire

extension FuzzTarget {
    /// Well-formed inputs to begin with.
    package var seeds: [[UInt8]] {
        switch self {
        case .stun: Self.stunSeeds
        case .sdp: BrowserOffers.all.map { Array($0.utf8) }
        case .negotiation: Self.negotiationSeeds
        case .candidate: Self.candidateSeeds.map { Array($0.utf8) }
        case .rtp: [joined(Self.rtpSeeds)]
        case .rtcp: Self.rtcpSeeds
        case .h264: [joined(Self.h264Seeds)]
        case .annexb: Self.annexBSeeds
        case .opus: [joined((0..<8).map { [0, $0, $0, 1, 0xFC, 1, 2, 3] })]
        case .sctp: Self.sctpSeeds
        case .dcep:
            [
                DataChannelEstablishmentMessage.acknowledgement.bytes,
                [0x03, 0x00, 0x01, 0x00, 0, 0, 0, 0, 0, 4, 0, 1] + Array("chatx".utf8),
            ]
        case .message: Self.messageSeeds.map { Array($0.utf8) }
        case .meeting: Self.meetingSeeds
        case .turn: Self.turnSeeds
        case .mdns: Self.mdnsSeeds
        case .url: Self.urlSeeds.map { Array($0.utf8) }
        case .stream: Self.streamSeeds
        case .peer: Self.peerSeeds
        }
    }

    static var stunSeeds: [[UInt8]] {
        let id = STUNMessage.TransactionID(high: 1, low: 2)
        let address = SocketAddress(.v4(0xC000_0201), port: 5000)
        let messages = [
            STUNMessage(
                .request, transactionID: id,
                attributes: [.username("a:b"), .priority(1), .iceControlling(2), .useCandidate]),
            STUNMessage(.successResponse, transactionID: id, attributes: [.xorMappedAddress(address)]),
            STUNMessage(
                .errorResponse, transactionID: id,
                attributes: [.errorCode(487, reason: "Role Conflict"), .realm("r"), .nonce("n"), .software("s")]),
            STUNMessage(
                .errorResponse, transactionID: id, attributes: [.unknownAttributes([1, 2]), .mappedAddress(address)]),
        ]
        return messages.map { $0.serialized(key: STUNKey(password: "fuzzed")) } + messages.map { $0.serialized() }
    }

    /// Parameter sets and slices of 160x96 in constrained baseline and in main, by x264: in one piece and in many, with
    /// a delimiter and a message between, and with timing information.
    private static var annexBSeeds: [[UInt8]] {
        let sequence: [UInt8] = [
            0x67, 0x42, 0xE0, 0x1F, 0xDA, 0x0A, 0x36, 0x9A, 0x83, 0x03, 0x03, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00,
            0x00, 0x07, 0x91, 0xE3, 0x06, 0x54,
        ]
        var main = sequence
        main[1] = 0x4D
        let picture: [UInt8] = [0x68, 0xCE, 0x3C, 0x80]
        let (idr, slice, next): ([UInt8], [UInt8], [UInt8]) = (
            [0x65, 0x88, 0x84, 0x0D, 0xA0, 0x86], [0x41, 0x9A, 0x20, 0x36, 0xB0], [0x41, 0x05, 0x9A, 0x24]
        )
        func stream(_ units: [[UInt8]]) -> [UInt8] { units.flatMap { [0, 0, 0, 1] + $0 } }
        let plain = stream([sequence, picture, idr, slice, next, slice, idr])
        let dressed = stream([[0x09, 0xF0], main, picture, [0x06, 5, 1, 0xFF, 0x80], idr, [0x09, 0x30], slice])
        let pieces = stride(from: 0, to: plain.count, by: 7).map { Array(plain[$0..<min($0 + 7, plain.count)]) }
        return [joined([plain]), joined([dressed]), joined(pieces), joined([plain, dressed])]
    }

    private static var candidateSeeds: [String] {
        [
            "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
            "candidate:2 1 UDP 1694498815 198.51.100.1 5000 typ srflx raddr 192.0.2.1 rport 5000 generation 0 ufrag abcd",
            "candidate:3 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active network-id 1",
            "candidate:4 1 udp 1 4fc5ab4f-4c2d-4a1c-8b3e-000000000000.local 5000 typ host",
            "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
                + "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n",
        ]
    }

    private static var negotiationSeeds: [[UInt8]] {
        let own = HostilePeer(seed: 1).offer.description
        let answer = own.replacing("a=setup:actpass", with: "a=setup:active")
        var seeds: [[UInt8]] = [[1] + Array(answer.utf8)]
        for offer in BrowserOffers.all + [own] {
            for meets in [0, 2, 3] as [UInt8] { seeds.append([meets] + Array(offer.utf8)) }
        }
        return seeds
    }

    private static var rtpSeeds: [[UInt8]] {
        (0..<6).map { number in
            // one-byte extensions: a MID, and an audio level
            [
                0x90, 0xE0, 0, UInt8(number), 0, 0, 0, UInt8(number), 0, 0, 0, 1, 0xBE, 0xDE, 0, 1, 0x10, 0x30, 0x20,
                0x85,
            ]
                + [0, UInt8(number), 1, 2, 3]
        }
    }

    private static var rtcpSeeds: [[UInt8]] {
        let packets: [RTCPPacket] = [
            .nack(GenericNACK(sender: 1, media: 2, sequenceNumbers: [1, 2, 5, 40])),
            .pictureLossIndication(sender: 1, media: 2),
            .fullIntraRequest(FullIntraRequest(sender: 1, entries: [.init(ssrc: 2, sequenceNumber: 3)])),
            .goodbye(Goodbye(sources: [1, 2], reason: "gone")),
            .receiverEstimatedMaximumBitrate(.init(sender: 1, bitsPerSecond: 500_000, sources: [2])),
            .transportFeedback(
                TransportFeedback(
                    sender: 1, media: 2, baseSequenceNumber: 1, statusCount: 9, feedbackPacketCount: 1,
                    arrivals: [.init(sequenceNumber: 1, ticks: 10), .init(sequenceNumber: 9, ticks: 300)])),
        ]
        var compound: [UInt8] = []
        RTCPPacket.writeReport(
            senderReport: nil, ssrc: 1, reportBlocks: [], canonicalName: "fuzzed", to: &compound)
        return packets.map { packet in
            var bytes: [UInt8] = []
            packet.write(to: &bytes)
            return bytes
        } + [compound]
    }

    private static var h264Seeds: [[UInt8]] {
        [
            [0x00, 0x67, 0x42, 0xE0, 0x1F], [0x00, 0x68, 1, 2], [0x40, 0x65, 1, 2, 3],
            // STAP-A of two units, then a slice in three fragments
            [0x08, 0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2], [0x08, 0x7C, 0x85, 1, 2], [0x08, 0x7C, 0x05, 3],
            [0x48, 0x7C, 0x45, 4],
        ]
    }

    /// Chunks of the usual types, with the fields that they begin with.
    private static var sctpSeeds: [[UInt8]] {
        let chunks: [[UInt8]] = [
            [0, 3, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 1, 2, 3, 4],  // DATA
            [64, 3, 0, 24, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 51, 1, 2, 3, 4],  // I-DATA
            [1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 9, 0, 9, 0, 0, 0, 1],  // INIT
            [3, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 3],  // SACK
            [4, 0, 0, 8, 0, 1, 0, 4],  // HEARTBEAT
            [192, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0, 1],  // FORWARD-TSN
            [130, 0, 0, 22, 0, 13, 0, 18, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],  // RE-CONFIG
            [7, 0, 0, 8, 0, 0, 0, 1], [6, 0, 0, 4], [9, 0, 0, 8, 0, 1, 0, 4],  // SHUTDOWN, ABORT, ERROR
        ]
        return chunks.map { joined([[1] + $0]) } + [joined(chunks.map { [10] + $0 })]
    }

    private static var messageSeeds: [String] {
        [
            #"{"type":"presence","name":"Ann"}"#, #"{"type":"call-initiate","recipient":"door"}"#,
            #"{"type":"call-accept","call":"1"}"#, #"{"type":"call-reject","call":"1"}"#,
            #"{"type":"call-hangup","call":"1"}"#,
            #"{"type":"call-offer","call":"1","description":{"type":"offer","sdp":"v=0\r\n"}}"#,
            #"{"type":"call-answer","call":"1","description":{"type":"answer","sdp":"v=0\r\n"}}"#,
            #"{"type":"call-ice-candidate","call":"1","candidate":{"candidate":"","sdpMid":"0","sdpMLineIndex":0}}"#,
            #"{"type":"call-ice-candidate","call":"1","candidate":null}"#,
        ]
    }

    private static var peerSeeds: [[UInt8]] {
        let peer = HostilePeer(seed: 1)
        let video = peer.stream(.video) ?? (1, 102)
        let audio = peer.stream(.audio) ?? (2, 111)
        func rtp(_ stream: (ssrc: UInt32, payloadType: UInt8), _ number: UInt8) -> [UInt8] {
            var bytes: [UInt8] = [PeerStep.rtp.rawValue, 0x80, stream.payloadType, 0, number, 0, 0, 0, number]
            bytes.append(uint32: stream.ssrc)
            return bytes + [0x7C, 0x85, 1, 2, 3]
        }
        let reports = rtcpSeeds.map { [PeerStep.rtcp.rawValue] + $0 }
        let media = [rtp(video, 1), rtp(video, 2), rtp(audio, 1), rtp(video, 9), [PeerStep.time.rawValue, 20]]
        let checks: [[UInt8]] = [[PeerStep.check.rawValue, 0x17], [PeerStep.check.rawValue, 0x0B]]
        let offer = [PeerStep.offer.rawValue] + Array(peer.offer.description.utf8)
        let candidates = candidateSeeds.map { [PeerStep.candidate.rawValue] + Array($0.utf8) }
        let label = Array("label".utf8)
        let channels: [[UInt8]] = [
            [PeerStep.dataMessage.rawValue, 2, 50, 3, 0x81, 1, 0, 0, 0, 0, 7, 0, 5, 0, 0] + label,
            [PeerStep.dataMessage.rawValue, 2, 51] + label, [PeerStep.dataMessage.rawValue, 2, 0x80 | 53, 1, 2],
            [PeerStep.dataMessage.rawValue, 1, 50, 2], [PeerStep.application.rawValue, 1, 5, 10, 0, 3],
            [PeerStep.streamReset.rawValue, 2, 1], [PeerStep.time.rawValue, 50],
        ]
        let datagrams = stunSeeds.map { [PeerStep.datagram.rawValue] + $0 }
        // the connections of the two servers come first, then those of candidates
        let opened: [[UInt8]] = (1...4).map { [PeerStep.stream.rawValue, 0, $0] }
        let streams =
            opened + [
                [PeerStep.candidate.rawValue] + Array("1 1 tcp 5 198.51.100.1 9 typ host tcptype passive".utf8),
                [PeerStep.stream.rawValue, 2, 0], [PeerStep.stream.rawValue, 5, 3, 0x17],
                [PeerStep.stream.rawValue, 6, 3] + rtp(video, 1).dropFirst(), [PeerStep.stream.rawValue, 1, 1],
            ]
        let relay = [opened[0]] + turnAnswers.map { [PeerStep.answer.rawValue] + $0 }
        return [
            joined(media), joined(media + [[PeerStep.replay.rawValue]] + reports), joined(reports), joined(checks),
            joined([offer]), joined(candidates), joined(datagrams),
            joined(channels),
            joined([[PeerStep.chunks.rawValue, 0, 3, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 65, 66, 67, 68]]),
            joined(streams), joined(relay),
            joined([[PeerStep.dtlsMessage.rawValue, 0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 1, 2, 3, 4]]),
        ]
    }
}

/// Several parts as one input.
func joined(_ parts: [[UInt8]]) -> [UInt8] {
    parts.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
}
