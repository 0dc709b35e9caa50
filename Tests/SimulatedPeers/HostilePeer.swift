import CSeededRandom
import CVirtualClock
import DTLS
package import ICE
package import PeerConnection
internal import RTP
package import SCTP
package import SDP
import SRTP
package import Wire

/// A peer whose every packet a test can write itself, in a call with a connection that is the one under test: its ICE,
/// DTLS and SRTP are the real ones, so that what it sends is authentic, and above them it keeps no rule.
///
/// Nothing is lost between the two and nothing takes time.
package final class HostilePeer {
    /// The connection under test.
    package var victim: RTCPeerConnection
    /// What it has told its application.
    package private(set) var events: [RTCPeerConnection.Event] = []
    /// The datagrams of media and reports that it has sent.
    package private(set) var mediaSent: [[UInt8]] = []
    /// How many datagrams it has sent elsewhere than to this peer.
    package private(set) var strayDatagrams = 0
    /// The last of what it has sent to servers, and written to connections.
    package private(set) var lastStray: [UInt8] = []
    package let random: SeededRandomSource
    package private(set) var now = Instant.zero + .seconds(1000)
    /// What the offer of this peer says; a test may change it before `connect`.
    package var offer: SessionDescription

    package static let victimAddress = SocketAddress(.v4(0xC000_0201), port: 5000)
    package static let address = SocketAddress(.v4(0xC000_0202), port: 6000)
    package static let stranger = SocketAddress(.v4(0xC633_6401), port: 9)

    private var ice: ICEAgent
    private let dtls: DTLSTransport
    private var srtp: SRTPSender?
    /// The association of the data channels, of which it can write every message; nil where data was not offered.
    private var sctp: SCTPAssociation?
    /// The ports and the tag of its packets.
    private var sctpHeader: [UInt8] = []

    /// `hasData` for an offer with data channels; the victim then has one on stream 1 and awaits one on stream 1000.
    package init(
        seed: UInt64, hasData: Bool = false, configure: (inout RTCPeerConnection.Configuration) -> Void = { _ in }
    ) {
        let certificates = SimulatedCertificates.all
        seeded_random_begin(seed)
        virtual_clock_set(now.nanoseconds)
        random = SeededRandomSource(seed: seed)
        var configuration = RTCPeerConnection.Configuration(certificate: certificates[0])
        configure(&configuration)
        victim = RTCPeerConnection(configuration: configuration, random: random)
        // an honest connection of the same kind writes the offer
        var model = RTCPeerConnection(configuration: .init(certificate: certificates[1]), random: random)
        for kind in [MediaKind.audio, .video] {
            _ = victim.addTrack(kind, streamID: "victim")
            _ = model.addTrack(kind, streamID: "hostile")
        }
        if hasData {
            let options = RTCDataChannelInit(negotiated: true, id: 1000)
            guard (try? victim.createDataChannel("", options, at: now)) != nil,
                (try? victim.createDataChannel("victim", at: now)) != nil,
                (try? model.createDataChannel("hostile", at: now)) != nil
            else { preconditionFailure("a new connection has room for channels") }
            sctp = SCTPAssociation(random: random)
        }
        guard (try? model.setLocalDescription(at: now)) != nil, let text = model.localDescription?.sdp,
            let offer = try? SessionDescription(parsing: text), let section = offer.media.first,
            let fragment = section.iceUfrag, let password = section.icePwd
        else { preconditionFailure("an offer of our own can be read") }
        self.offer = offer
        ice = ICEAgent(
            role: .controlling, credentials: ICECredentials(usernameFragment: fragment, password: password),
            random: random)
        dtls = DTLSTransport(role: .client, certificate: certificates[1])
        victim.handle(.localAddressAdded(Self.victimAddress, preference: 65535), at: now)
        victim.handle(.localAddressesEnded, at: now)
        ice.handle(.localAddressAdded(Self.address, preference: 65535), at: now)
        ice.handle(.gatheringEnded, at: now)
        pump()
    }

    deinit {
        virtual_clock_clear()
        seeded_random_end()
    }

    // MARK: The call

    /// Makes the offer, takes the answer, and lets ICE and DTLS run until the keys are there; false where that does not
    /// come about.
    @discardableResult
    package func connect(limit: Duration = .seconds(5)) throws(RTCError) -> Bool {
        try victim.setRemoteDescription(RTCSessionDescription(type: .offer, sdp: offer.description), at: now)
        try victim.setLocalDescription(at: now)
        guard let text = victim.localDescription?.sdp, let answer = try? SessionDescription(parsing: text),
            let section = answer.media.first, let fragment = section.iceUfrag, let password = section.icePwd
        else { preconditionFailure("an answer of our own can be read") }
        let credentials = ICECredentials(usernameFragment: fragment, password: password)
        ice.handle(.remoteCredentials(credentials, isLite: false), at: now)
        for text in section.candidates {
            if let candidate = try? ICECandidate(parsing: text) { ice.handle(.remoteCandidate(candidate), at: now) }
        }
        let fingerprints = section.fingerprints.compactMap {
            DTLSFingerprint(hashFunction: $0.hashFunction, $0.bytes)
        }
        dtls.handle(.remoteFingerprints(fingerprints), at: now)
        pump()
        pass(limit) { $0.srtp != nil && $0.victim.connectionState == .connected }
        return srtp != nil && victim.connectionState == .connected
    }

    /// Lets virtual time pass until `condition` holds, at most for `limit`.
    package func pass(_ limit: Duration, until condition: (HostilePeer) -> Bool = { _ in false }) {
        let end = now + limit
        while !condition(self) {
            let next = earliest(victim.deadline, ice.deadline, dtls.deadline, sctp?.deadline)
            guard let next, next <= end else {
                move(to: end)
                return
            }
            move(to: max(next, now))
            if let deadline = victim.deadline, deadline <= now { victim.handle(.timePassed, at: now) }
            if let deadline = ice.deadline, deadline <= now { ice.handle(.timePassed, at: now) }
            if let deadline = dtls.deadline, deadline <= now { dtls.handle(.timePassed, at: now) }
            if let deadline = sctp?.deadline, deadline <= now { sctp?.handle(.timePassed, at: now) }
            pump()
        }
    }

    /// The victim's shell tells it something.
    package func tell(_ input: RTCPeerConnection.Input) {
        victim.handle(input, at: now)
        pump()
    }

    // MARK: What it sends

    /// A datagram reaches the victim, as if from `source`.
    package func inject(_ datagram: [UInt8], from source: SocketAddress = HostilePeer.address) {
        victim.handle(.datagram(datagram, local: Self.victimAddress, remote: source), at: now)
        pump()
    }

    /// The SRTP packet of the RTP packet `packet`; nil where it has no key yet or `packet` is no such packet.
    package func protected(rtp packet: [UInt8]) -> [UInt8]? {
        guard packet.count >= 12, let srtp else { return nil }
        var bytes = packet
        return (try? srtp.protectRTP(&bytes)) == nil ? nil : bytes
    }

    /// The same for SRTCP.
    package func protected(rtcp packet: [UInt8]) -> [UInt8]? {
        guard packet.count >= 8, let srtp else { return nil }
        var bytes = packet
        return (try? srtp.protectRTCP(&bytes)) == nil ? nil : bytes
    }

    /// A message over DTLS.
    package func send(message: [UInt8]) {
        dtls.handle(.send(message), at: now)
        pump()
    }

    /// A message on any stream, of any kind; it is dropped where there is no association.
    package func send(_ message: SCTPMessage) {
        guard !message.payload.isEmpty else { return }
        try? sctp?.send(message, at: now)
        pump()
    }

    /// Asks for a reset of these streams.
    package func reset(_ streams: [SCTPStreamIdentifier]) {
        sctp?.handle(.resetStreams(streams), at: now)
        pump()
    }

    /// A packet of these chunks, with the ports, tag and checksum of the association.
    package func send(chunks: [UInt8]) {
        var packet = sctpHeader + [0, 0, 0, 0] + chunks
        // RFC 9260 §6.8: computed with zeros in its place, least significant byte first
        let checksum = Self.checksum(packet)
        for index in 0..<4 where packet.count >= 12 {
            packet[8 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index)))
        }
        send(message: packet)
    }

    /// CRC32c (RFC 9260 appendix A), bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var register = UInt32.max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 0 ? register >> 1 : register >> 1 ^ 0x82F6_3B78 }
        }
        return ~register
    }

    /// A STUN message with these attributes that the victim finds authentic.
    package func authentic(
        _ messageClass: STUNMessage.Class, _ attributes: [STUNAttribute],
        transactionID: STUNMessage.TransactionID? = nil
    ) -> [UInt8] {
        let message = STUNMessage(
            messageClass, transactionID: transactionID ?? .init(random: random), attributes: attributes)
        let password = messageClass == .request ? ice.remoteCredentials?.password : ice.credentials.password
        return message.serialized(key: STUNKey(password: password ?? "unknown"))
    }

    /// The USERNAME of checks to the victim.
    package var username: String {
        "\(ice.remoteCredentials?.usernameFragment ?? ""):\(ice.credentials.usernameFragment)"
    }

    /// The source and payload type that the offer gives to media of `kind`.
    package func stream(_ kind: MediaKind) -> (ssrc: UInt32, payloadType: UInt8)? {
        guard let section = offer.media.first(where: { $0.kind == kind }), let codec = section.codecs.first,
            let source = section.sources.first
        else { return nil }
        return (source.ssrc, codec.payloadType)
    }

    // MARK: Between the two

    private func move(to instant: Instant) {
        now = instant
        virtual_clock_set(now.nanoseconds)
    }

    /// Carries everything over until both are quiet.
    private func pump() {
        var isBusy = true
        while isBusy {
            isBusy = false
            while let event = victim.nextOutput() { events.append(event) }
            let batch = victim.outbox
            victim.outbox.removeAll()
            for entry in batch.entries {
                isBusy = true
                if entry.remote == Self.address {
                    receive(Array(batch.storage[entry.range]))
                } else {
                    strayDatagrams += 1
                    lastStray = Array(batch.storage[entry.range])
                }
            }
            while let output = ice.nextOutput() {
                isBusy = true
                take(output)
            }
            while let output = dtls.nextOutput() {
                isBusy = true
                take(output)
            }
            while let output = sctp?.nextOutput() {
                isBusy = true
                guard case .transmit(let packet) = output else { continue }
                // an INIT has no tag yet
                if packet.prefix(8).suffix(4) != [0, 0, 0, 0] { sctpHeader = Array(packet.prefix(8)) }
                dtls.handle(.send(packet), at: now)
            }
        }
    }

    private func receive(_ datagram: [UInt8]) {
        switch datagram.first {
        case .some(0...3):
            ice.handle(.datagram(datagram, local: Self.address, remote: Self.victimAddress), at: now)
        case .some(20...63): dtls.handle(.datagram(datagram), at: now)
        default: mediaSent.append(datagram)
        }
    }

    private func take(_ output: ICEAgent.Output) {
        switch output {
        case .transmit(let bytes, _, let remote):
            guard remote == Self.victimAddress else { return }
            victim.handle(.datagram(bytes, local: remote, remote: Self.address), at: now)
        case .event(.selectedPairChanged):
            dtls.handle(.start, at: now)
        default:
            break
        }
    }

    private func take(_ output: DTLSTransport.Output) {
        switch output {
        case .transmit(let bytes):
            victim.handle(.datagram(bytes, local: Self.victimAddress, remote: Self.address), at: now)
        case .event(.connected(let keys)):
            srtp = SRTPSender(profile: keys.profile, masterKey: keys.local)
            sctp?.handle(.start, at: now)
        case .event(.applicationData(let packet)):
            sctp?.handle(.packet(packet), at: now)
        case .event:
            break
        }
    }
}
