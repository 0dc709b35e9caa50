import DTLS
import SRTP
import Testing
import Wire

@Suite("A client and a server")
struct DTLSTransportTests {
    @Test("agree on keys, each the other's the other way round")
    func connect() throws {
        let link = SimulatedLink()
        #expect(link.client.transport.state == .new)
        link.connect()
        let client = try #require(link.client.keyingMaterial)
        let server = try #require(link.server.keyingMaterial)
        #expect(client.profile == .aeadAES128GCM && server.profile == .aeadAES128GCM)
        #expect(client.local == server.remote && client.remote == server.local)
        #expect(client.local != client.remote)
        #expect(client.local.key.count == 16 && client.local.salt.count == 12)
        for side in [link.client, link.server] {
            #expect(side.transport.state == .connected)
            #expect(side.transport.deadline == nil)
            #expect(side.transport.cipherSuite == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
            #expect(side.sentDatagrams.allSatisfy { $0.count <= 1200 && (20...63).contains($0[0]) })
        }
        #expect(link.client.transport.remoteCertificate == certificates.server.der)
        #expect(link.server.transport.remoteCertificate == certificates.client.der)
        // Two round trips, no repetition, and no flight cut into pieces smaller than a datagram.
        #expect(link.now == Instant(nanoseconds: 5_004_000_000))
        #expect(link.client.sentDatagrams.count == 2 && link.server.sentDatagrams.count == 2)
        // The keys work.
        var packet: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
        try SRTPSender(profile: client.profile, masterKey: client.local).protectRTP(&packet)
        try SRTPReceiver(profile: server.profile, masterKey: server.remote).unprotectRTP(&packet)
        #expect(packet.suffix(4) == [5, 6, 7, 8])
    }

    @Test(
        "settle on the server's most wanted profile that the client has",
        arguments: [
            (
                [SRTPProtectionProfile.aes128CounterModeSHA1Tag80, .aeadAES256GCM, .aeadAES128GCM],
                SRTPProtectionProfile.aeadAES128GCM
            ),
            ([.aes128CounterModeSHA1Tag80], .aes128CounterModeSHA1Tag80),
            ([.aeadAES256GCM, .aes128CounterModeSHA1Tag80], .aeadAES256GCM),
        ])
    func profiles(offered: [SRTPProtectionProfile], expected: SRTPProtectionProfile) throws {
        for isClientLimited in [true, false] {
            let all: [SRTPProtectionProfile] = [.aeadAES128GCM, .aeadAES256GCM, .aes128CounterModeSHA1Tag80]
            let link = SimulatedLink(
                client: DTLSTransport(
                    role: .client, certificate: certificates.client, srtpProfiles: isClientLimited ? offered : all),
                server: DTLSTransport(
                    role: .server, certificate: certificates.server, srtpProfiles: isClientLimited ? all : offered))
            link.exchangeFingerprints()
            link.connect()
            let client = try #require(link.client.keyingMaterial)
            #expect(client.profile == (isClientLimited ? expected : offered[0]))
            #expect(client.local.key.count == client.profile.keyLength)
            #expect(client.local.salt.count == client.profile.saltLength)
            #expect(link.server.keyingMaterial?.remote == client.local)
        }
    }

    @Test("without a common profile both fail or learn of it")
    func noCommonProfile() {
        let link = SimulatedLink(
            client: DTLSTransport(
                role: .client, certificate: certificates.client, srtpProfiles: [.aes128CounterModeSHA1Tag80]),
            server: DTLSTransport(role: .server, certificate: certificates.server, srtpProfiles: [.aeadAES128GCM]))
        link.exchangeFingerprints()
        link.connect()
        #expect(link.client.keyingMaterial == nil && link.server.keyingMaterial == nil)
        #expect(link.client.error == .noCommonSRTPProfile)
        #expect(link.server.error == .noCommonSRTPProfile || link.server.isClosed)
    }

    @Test("connect however the network loses, repeats and reorders", arguments: 0..<150 as Range<UInt64>)
    func lossyNetwork(seed: UInt64) throws {
        let conditions = SimulatedLink.Conditions(
            loss: Int(seed % 5) * 8, duplication: Int(seed % 3) * 15, delay: 1...(1 + Int(seed % 7) * 20))
        let link = SimulatedLink(conditions: conditions, seed: seed, clientMTU: seed % 2 == 0 ? 1200 : 300)
        link.connect()
        let client = try #require(link.client.keyingMaterial, "\(String(describing: link.client.error))")
        let server = try #require(link.server.keyingMaterial, "\(String(describing: link.server.error))")
        #expect(client.local == server.remote && client.remote == server.local)
        // Afterwards, too: every message that arrives is one that was sent.
        for number in 0..<20 as Range<UInt8> {
            link.handle(.send([number, number]), client: true)
            link.handle(.send([100 + number]), client: false)
        }
        link.run(for: .seconds(5))
        #expect(Set(link.server.messages).isSubset(of: Set((0..<20).map { [$0, $0] })))
        #expect(Set(link.client.messages).isSubset(of: Set((100..<120).map { [$0] })))
        #expect(link.server.messages.count == Set(link.server.messages).count)
        if conditions.loss == 0 { #expect(link.server.messages.count == 20 && link.client.messages.count == 20) }
    }

    @Test("connect when any one datagram of the handshake is lost", arguments: [true, false], 0..<8)
    func oneLoss(fromClient: Bool, number: Int) throws {
        let link = SimulatedLink(clientMTU: 300)
        link.filter = { $0 != fromClient || $1 != number }
        link.connect()
        #expect(link.client.keyingMaterial != nil && link.server.keyingMaterial != nil)
        #expect(link.client.error == nil && link.server.error == nil)
        // A repetition comes after 100 ms, not after RFC 6347's second. A server that has all it needs repeats its last
        // flight only when the client repeats its own.
        #expect(link.now < Instant(nanoseconds: 5_250_000_000))
    }

    @Test(
        "understand a ClientHello in several datagrams, as browsers send it, in any order and repeated",
        arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 2, 0, 1, 1, 0], [0, 1, 2, 0, 1, 2]])
    func fragments(order: [Int]) {
        let link = SimulatedLink()
        // Instead of the ClientHello its fragments arrive.
        link.filter = { isClient, number in !isClient || number > 0 }
        link.handle(.start, client: true)
        let fragments = Self.fragments(of: link.client.sentDatagrams[0], count: 3)
        for index in order { link.handle(.datagram(fragments[index]), client: false) }
        #expect(!link.server.sentDatagrams.isEmpty)
        link.run(for: .seconds(5))
        #expect(link.client.keyingMaterial != nil && link.server.keyingMaterial != nil)
        // At once: nothing had to be repeated.
        #expect(link.now < Instant(nanoseconds: 5_010_000_000))
    }

    @Test("understand Chromium's ClientHello, in either order", arguments: [[0, 1], [1, 0], [1, 1, 0, 0]])
    func chromium(order: [Int]) throws {
        let link = SimulatedLink()
        for index in order { link.handle(.datagram(chromiumClientHello[index]), client: false) }
        #expect(link.server.error == nil && link.server.transport.state == .connecting)
        // A ServerHello that chooses TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and SRTP_AEAD_AES_128_GCM.
        let flight = try #require(link.server.sentDatagrams.first)
        #expect(flight[0] == 22 && flight[13] == 2)
        #expect(flight.firstRange(of: [0xC0, 0x2B] as [UInt8]) != nil)
        #expect(flight.firstRange(of: [0, 14, 0, 5, 0, 2, 0, 7, 0] as [UInt8]) != nil)
        #expect(link.server.sentDatagrams.count == 1)
    }

    /// The one handshake message in the one record of `datagram` as `count` fragments, a record and datagram each
    /// (RFC 6347 §4.2.3).
    static func fragments(of datagram: [UInt8], count: Int) -> [[UInt8]] {
        let header = datagram[13..<25]
        let body = Array(datagram[25...])
        return (0..<count).map { number in
            let range = (body.count * number / count)..<(body.count * (number + 1) / count)
            // Type, version and epoch stay; the record numbers must be new ones.
            var bytes = Array(datagram[..<5])
            bytes.append(uint16: 0)
            bytes.append(uint32: UInt32(20 + number))
            bytes.append(uint16: UInt16(12 + range.count))
            bytes += header.prefix(6)
            bytes.append(uint24: UInt32(range.lowerBound))
            bytes.append(uint24: UInt32(range.count))
            return bytes + body[range]
        }
    }

    @Test("use datagrams up to the MTU")
    func mtu() {
        let link = SimulatedLink(clientMTU: 300)
        link.connect()
        #expect(link.client.sentDatagrams.allSatisfy { $0.count <= 300 })
        #expect(link.client.sentDatagrams.contains { $0.count > 250 })
        #expect(link.server.sentDatagrams.contains { $0.count > 600 })
    }

    @Test("repeat sooner over a short path and later over a long one")
    func roundTripTime() {
        for (roundTripTime, expected) in [(nil, 100), (1, 50), (100, 200), (5000, 1000)] as [(Int?, Int)] {
            let transport = DTLSTransport(role: .client, certificate: certificates.client)
            transport.roundTripTime = roundTripTime.map { .milliseconds($0) }
            let link = SimulatedLink(
                client: transport, server: DTLSTransport(role: .server, certificate: certificates.server))
            let start = link.now
            link.filter = { _, _ in false }
            link.handle(.start, client: true)
            #expect(transport.deadline == start + .milliseconds(expected))
            link.run(for: .milliseconds(expected))
            #expect(transport.deadline == start + .milliseconds(3 * expected))
        }
    }

    @Test("repeat a flight in as few datagrams as it left in")
    func repeatedFlight() throws {
        let link = SimulatedLink()
        // the server's first flight is lost
        link.filter = { isClient, number in isClient || number != 0 }
        link.connect()
        #expect(link.client.keyingMaterial != nil && link.server.keyingMaterial != nil)
        let (server, client) = (link.server.sentDatagrams, link.client.sentDatagrams)
        #expect(server[1].count > 500 && server.allSatisfy { $0.count <= 1200 })
        #expect(client.allSatisfy { $0.count > 100 && $0.count <= 1200 })
    }

    @Test("give up when nobody answers for long")
    func timeout() throws {
        let link = SimulatedLink()
        link.filter = { _, _ in false }
        link.connect()
        #expect(link.client.error == .timedOut)
        #expect(link.client.transport.state == .failed && link.client.transport.deadline == nil)
        #expect(link.client.sentDatagrams.count == 13)
        #expect((20.0...30.0).contains((link.now - Instant(nanoseconds: 5_000_000_000)).inSeconds))
    }

    @Test("survive random datagrams in between", arguments: 0..<30 as Range<UInt64>)
    func garbage(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        let link = SimulatedLink()
        link.filter = { isClient, _ in
            var bytes = random.bytes(random.below(200))
            // A record layer's header of the right version, with a wrong type, epoch or length.
            if bytes.count > 13, random.below(2) == 0 {
                bytes.replaceSubrange(1..<5, with: [0xFE, 0xFD, 0, UInt8(1 + random.below(3))])
            }
            link.handle(.datagram(bytes), client: !isClient)
            return true
        }
        link.connect()
        link.filter = { _, _ in true }
        #expect(link.client.keyingMaterial != nil && link.server.keyingMaterial != nil)
        for _ in 0..<200 {
            link.handle(.datagram(random.bytes(random.below(2000))), client: true)
            link.handle(.datagram([]), client: false)
            link.handle(.datagram([UInt8](repeating: 23, count: 20000)), client: false)
        }
        link.handle(.send([1, 2, 3]), client: true)
        link.run(for: .seconds(1))
        #expect(link.server.messages == [[1, 2, 3]])
        #expect(link.client.error == nil)
        #expect(link.server.error == nil)
    }

    @Test("exchange messages of any size, each its own")
    func messages() {
        let link = SimulatedLink()
        link.handle(.send([1]), client: true)
        link.connect()
        #expect(link.server.messages.isEmpty)
        let messages = [1, 2, 1000, 16384].map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0) }
        for message in messages { link.handle(.send(message), client: false) }
        link.handle(.send([]), client: false)
        link.run(for: .seconds(1))
        #expect(link.client.messages == messages)
    }

    @Test("close in order, whoever begins", arguments: [true, false])
    func close(client isClient: Bool) {
        let link = SimulatedLink()
        link.connect()
        link.handle(.close, client: isClient)
        link.run(for: .seconds(1))
        #expect(link.client.isClosed && link.server.isClosed)
        #expect(link.client.transport.state == .closed && link.server.transport.state == .closed)
        #expect(link.client.error == nil && link.server.error == nil)
        let sent = (link.client.sentDatagrams.count, link.server.sentDatagrams.count)
        for side in [true, false] {
            link.handle(.send([1]), client: side)
            link.handle(.close, client: side)
            link.handle(.start, client: side)
            link.handle(.timePassed, client: side)
        }
        #expect(sent == (link.client.sentDatagrams.count, link.server.sentDatagrams.count))
    }

    @Test("can be closed before the handshake is done")
    func closeEarly() {
        for started in [false, true] {
            let link = SimulatedLink()
            if started { link.handle(.start, client: true) }
            link.handle(.close, client: true)
            #expect(link.client.isClosed && link.client.transport.state == .closed)
            #expect(link.client.transport.deadline == nil)
        }
    }

    @Test("start by themselves only as server")
    func implicitStart() {
        let link = SimulatedLink()
        link.handle(.datagram([22] + [UInt8](repeating: 0, count: 20)), client: true)
        #expect(link.client.transport.state == .new)
        link.handle(.start, client: true)
        link.run(for: .seconds(1))
        #expect(link.server.keyingMaterial != nil)
    }
}

@Suite("The peer's fingerprint")
struct FingerprintVerificationTests {
    typealias HashFunction = DTLSFingerprint.HashFunction

    static func link() -> SimulatedLink {
        SimulatedLink(
            client: DTLSTransport(role: .client, certificate: certificates.client),
            server: DTLSTransport(role: .server, certificate: certificates.server))
    }

    @Test("if wrong ends the handshake, and the peer gets bad_certificate", arguments: [true, false])
    func mismatch(atClient: Bool) {
        let link = Self.link()
        link.exchangeFingerprints()
        link.handle(.remoteFingerprints([certificates.stranger.fingerprint()]), client: atClient)
        link.connect()
        #expect((atClient ? link.client : link.server).error == .fingerprintMismatch)
        #expect((atClient ? link.server : link.client).error == .alertReceived(42))
        #expect(link.client.keyingMaterial == nil && link.server.keyingMaterial == nil)
        #expect(link.client.transport.state == .failed && link.server.transport.state == .failed)
    }

    @Test("may come after the handshake; until then nothing is connected and messages wait", arguments: [true, false])
    func late(atClient: Bool) {
        let link = Self.link()
        let (own, other) = (certificates.client.fingerprint(), certificates.server.fingerprint())
        link.handle(.remoteFingerprints([atClient ? own : other]), client: !atClient)
        link.connect()
        let waiting = atClient ? link.client : link.server
        #expect(waiting.transport.state == .connecting && waiting.keyingMaterial == nil)
        #expect(waiting.transport.remoteCertificate != nil)
        #expect((atClient ? link.server : link.client).keyingMaterial != nil)
        for number in 0..<20 as Range<UInt8> { link.handle(.send([number]), client: !atClient) }
        link.run(for: .seconds(1))
        #expect((atClient ? link.client : link.server).messages.isEmpty)
        link.handle(.remoteFingerprints([atClient ? other : own]), client: atClient)
        let connected = atClient ? link.client : link.server
        #expect(connected.keyingMaterial != nil && connected.transport.state == .connected)
        #expect(connected.messages == (0..<16).map { [$0] })
    }

    @Test("if it comes late and is wrong, nothing is ever connected", arguments: [true, false])
    func lateMismatch(atClient: Bool) {
        let link = Self.link()
        link.connect()
        link.handle(.remoteFingerprints([certificates.stranger.fingerprint()]), client: atClient)
        link.run(for: .seconds(1))
        #expect((atClient ? link.client : link.server).error == .fingerprintMismatch)
        #expect((atClient ? link.server : link.client).isClosed)
        #expect(link.client.keyingMaterial == nil && link.server.keyingMaterial == nil)
    }

    @Test("if it becomes another while connected, ends the connection")
    func changed() {
        let link = Self.link()
        link.exchangeFingerprints()
        link.connect()
        link.exchangeFingerprints()
        #expect(link.client.transport.state == .connected)
        link.handle(.remoteFingerprints([certificates.stranger.fingerprint()]), client: true)
        #expect(link.client.error == .fingerprintMismatch && link.client.transport.state == .failed)
    }

    @Test("is right if for every hash function one of those announced is the certificate's")
    func several() throws {
        let all = HashFunction.allCases.map { certificates.server.fingerprint($0) }
        let foreign = HashFunction.allCases.map { certificates.stranger.fingerprint($0) }
        let wrong = try #require(DTLSFingerprint(.sha256, [UInt8](repeating: 0, count: 32)))
        for (announced, isRight) in [
            (all, true), (all + foreign, true), ([all[0]], true), (foreign, false),
            // The strong function's mismatch counts, though the weak one's match.
            ([all[0], wrong], false), ([all[0], all[2], wrong], true),
        ] {
            let link = Self.link()
            link.exchangeFingerprints()
            link.handle(.remoteFingerprints(announced), client: true)
            link.connect()
            #expect((link.client.keyingMaterial != nil) == isRight)
        }
    }
}
