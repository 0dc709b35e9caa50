import Testing
import Wire

@testable import SRTP

@Suite("A sender and a receiver with the same keys")
struct SRTPContextTests {
    static func masterKey(_ profile: SRTPProtectionProfile, seed: UInt64 = 1) -> SRTPMasterKey {
        let random = SeededRandomSource(seed: seed)
        return SRTPMasterKey(key: random.bytes(profile.keyLength), salt: random.bytes(profile.saltLength))
    }

    static func pair(_ profile: SRTPProtectionProfile) -> (SRTPSender, SRTPReceiver) {
        let key = masterKey(profile)
        return (SRTPSender(profile: profile, masterKey: key), SRTPReceiver(profile: profile, masterKey: key))
    }

    static func rtp(_ sequenceNumber: Int, ssrc: UInt32 = 0xCAFE_BABE, payload: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
        var packet: [UInt8] = [0x80, 96]
        packet.append(uint16: UInt16(truncatingIfNeeded: sequenceNumber))
        packet.append(uint32: 12345)
        packet.append(uint32: ssrc)
        return packet + payload
    }

    static func rtcp(ssrc: UInt32 = 0xCAFE_BABE, body: [UInt8] = [9, 9, 9, 9]) -> [UInt8] {
        var packet: [UInt8] = [0x80, 205]
        packet.append(uint16: UInt16(1 + body.count / 4))
        packet.append(uint32: ssrc)
        return packet + body
    }

    static func protected(_ sender: SRTPSender, _ sequenceNumber: Int) throws -> [UInt8] {
        var packet = rtp(sequenceNumber)
        try sender.protectRTP(&packet)
        return packet
    }

    @Test("understand each other through 200000 packets and three rollovers", arguments: SRTPProtectionProfile.allCases)
    func rollover(profile: SRTPProtectionProfile) throws {
        let (sender, receiver) = Self.pair(profile)
        var buffer: [UInt8] = []
        buffer.reserveCapacity(64)
        for sequenceNumber in 65000..<265000 {
            // Every packet while a rollover is near, else a few.
            guard sequenceNumber & 0xFFFF < 8 || sequenceNumber & 0xFFFF > 65528 || sequenceNumber % 997 == 0 else {
                continue
            }
            let plain = Self.rtp(sequenceNumber)
            buffer = plain
            try sender.protectRTP(&buffer)
            #expect(buffer != plain)
            try receiver.unprotectRTP(&buffer)
            #expect(buffer == plain)
        }
        #expect(receiver.rtpSources[0].highest.map { $0 >> 16 } == 4)
    }

    @Test("packets arrive in any order across a rollover, each once", arguments: 0..<50 as Range<UInt64>)
    func reordering(seed: UInt64) throws {
        let (sender, receiver) = Self.pair(.aeadAES128GCM)
        let random = SeededRandomSource(seed: seed)
        // Each packet is held up by the time of up to 200 others; the first to arrive is of rollover counter 0.
        let packets = try (65300..<65800).map {
            (arrival: $0 + random.below(200), bytes: try Self.protected(sender, $0))
        }.sorted { $0.arrival < $1.arrival }
        for packet in packets {
            var once = packet.bytes
            try receiver.unprotectRTP(&once)
            var twice = packet.bytes
            #expect(throws: SRTPError.replayed) { try receiver.unprotectRTP(&twice) }
        }
    }

    @Test("a packet too far behind is refused, the last within the window is not")
    func window() throws {
        let (sender, receiver) = Self.pair(.aeadAES128GCM)
        let packets = try (0...2000).map { try Self.protected(sender, $0) }
        var newest = packets[2000]
        try receiver.unprotectRTP(&newest)
        var tooOld = packets[2000 - Int(ReplayWindow.size)]
        #expect(throws: SRTPError.tooOld) { try receiver.unprotectRTP(&tooOld) }
        var old = packets[2001 - Int(ReplayWindow.size)]
        try receiver.unprotectRTP(&old)
    }

    @Test("a changed byte, wherever it is, makes a packet false", arguments: SRTPProtectionProfile.allCases)
    func tampering(profile: SRTPProtectionProfile) throws {
        let (sender, receiver) = Self.pair(profile)
        var rtp = [0x90] + Self.rtp(7).dropFirst()
        rtp.insert(contentsOf: [0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0], at: 12)
        let plain = rtp
        try sender.protectRTP(&rtp)
        for index in rtp.indices {
            for bit in 0..<8 {
                var forged = rtp
                forged[index] ^= 1 << bit
                let error = #expect(throws: SRTPError.self) { try receiver.unprotectRTP(&forged) }
                // A forged version or length is no packet at all.
                #expect(error == .authenticationFailed || error == .malformed && [0, 14, 15].contains(index))
            }
        }
        try receiver.unprotectRTP(&rtp)
        #expect(rtp == plain)

        var rtcp = Self.rtcp()
        try sender.protectRTCP(&rtcp)
        for index in rtcp.indices {
            for bit in 0..<8 {
                var forged = rtcp
                forged[index] ^= 1 << bit
                let error = #expect(throws: SRTPError.self) { try receiver.unprotectRTCP(&forged) }
                #expect(error == .authenticationFailed || error == .malformed && index == 0)
            }
        }
        try receiver.unprotectRTCP(&rtcp)
        #expect(rtcp == Self.rtcp())
    }

    @Test("forged packets take up no source's place")
    func forgedSources() throws {
        let (sender, receiver) = Self.pair(.aeadAES128GCM)
        for ssrc in 0..<200 as Range<UInt32> {
            var forged = Self.rtp(1, ssrc: ssrc) + [UInt8](repeating: 0, count: 16)
            #expect(throws: SRTPError.authenticationFailed) { try receiver.unprotectRTP(&forged) }
            forged = Self.rtcp(ssrc: ssrc) + [UInt8](repeating: 0, count: 20)
            #expect(throws: SRTPError.authenticationFailed) { try receiver.unprotectRTCP(&forged) }
        }
        for ssrc in 0..<64 as Range<UInt32> {
            var packet = Self.rtp(1, ssrc: ssrc)
            try sender.protectRTP(&packet)
            try receiver.unprotectRTP(&packet)
        }
        var packet = Self.rtp(1, ssrc: 64)
        try sender.protectRTP(&packet)
        #expect(throws: SRTPError.tooManySources) { try receiver.unprotectRTP(&packet) }
    }

    @Test("a sequence number is not used twice, and the packet stays as it was")
    func reuse() throws {
        let (sender, _) = Self.pair(.aeadAES128GCM)
        _ = try Self.protected(sender, 100)
        _ = try Self.protected(sender, 2000)
        _ = try Self.protected(sender, 1999)
        for sequenceNumber in [100, 1999, 2000] {
            var packet = Self.rtp(sequenceNumber)
            #expect(throws: SRTPError.indexReused) { try sender.protectRTP(&packet) }
            #expect(packet == Self.rtp(sequenceNumber))
        }
    }

    @Test(
        "a packet that was sent is protected again as it was, and no other", arguments: SRTPProtectionProfile.allCases)
    func repetition(profile: SRTPProtectionProfile) throws {
        let (sender, _) = Self.pair(profile)
        let first = try Self.protected(sender, 65_535)
        _ = try Self.protected(sender, 0)
        var again = Self.rtp(65_535)
        try sender.protectRTPAgain(&again)
        #expect(again == first)
        for unsent in [1, 65_534] {
            var packet = Self.rtp(unsent)
            #expect(throws: SRTPError.tooOld) { try sender.protectRTPAgain(&packet) }
        }
    }

    @Test("SRTCP packets are accepted once and in any order", arguments: SRTPProtectionProfile.allCases)
    func rtcpReplay(profile: SRTPProtectionProfile) throws {
        let (sender, receiver) = Self.pair(profile)
        let packets = try (0..<100 as Range<UInt8>).map { number in
            var packet = Self.rtcp(body: [number, 0, 0, 0])
            try sender.protectRTCP(&packet)
            return packet
        }
        for (number, packet) in packets.enumerated().reversed() {
            var once = packet
            try receiver.unprotectRTCP(&once)
            #expect(once == Self.rtcp(body: [UInt8(number), 0, 0, 0]))
            var twice = packet
            #expect(throws: SRTPError.replayed) { try receiver.unprotectRTCP(&twice) }
        }
    }

    @Test("a key that has protected all it may is refused")
    func exhaustion() throws {
        let (sender, receiver) = Self.pair(.aeadAES128GCM)
        var window = ReplayWindow()
        window.insert(PacketIndex.end - 2)
        sender.rtpSources.append(0xCAFE_BABE, window)
        receiver.rtpSources.append(0xCAFE_BABE, window)
        var last = Self.rtp(0xFFFF)
        try sender.protectRTP(&last)
        try receiver.unprotectRTP(&last)
        #expect(last == Self.rtp(0xFFFF))
        var beyond = Self.rtp(0)
        #expect(throws: SRTPError.keyExhausted) { try sender.protectRTP(&beyond) }
        #expect(beyond == Self.rtp(0))
        beyond += [UInt8](repeating: 0, count: 16)
        #expect(throws: SRTPError.keyExhausted) { try receiver.unprotectRTP(&beyond) }

        sender.rtcpSources.append(0xCAFE_BABE, 0x7FFF_FFFF)
        var report = Self.rtcp()
        try sender.protectRTCP(&report)
        try receiver.unprotectRTCP(&report)
        report = Self.rtcp()
        #expect(throws: SRTPError.keyExhausted) { try sender.protectRTCP(&report) }
        #expect(report == Self.rtcp())
    }

    @Test("a packet without payload is protected too", arguments: SRTPProtectionProfile.allCases)
    func empty(profile: SRTPProtectionProfile) throws {
        let (sender, receiver) = Self.pair(profile)
        var rtp = Self.rtp(1, payload: [])
        try sender.protectRTP(&rtp)
        #expect(rtp.count == 12 + profile.rtpOverhead)
        try receiver.unprotectRTP(&rtp)
        #expect(rtp == Self.rtp(1, payload: []))
        var rtcp = Self.rtcp(body: [])
        try sender.protectRTCP(&rtcp)
        #expect(rtcp.count == 8 + profile.rtcpOverhead)
        try receiver.unprotectRTCP(&rtcp)
        #expect(rtcp == Self.rtcp(body: []))
    }

    @Test("what is no packet is not protected")
    func malformed() {
        let (sender, _) = Self.pair(.aeadAES128GCM)
        // Too short; version 1; a contributing source, an extension, and an extension's words that are not there.
        let extended: [UInt8] = [0x90] + Self.rtp(1, payload: [0xBE, 0xDE, 0, 2, 0, 0, 0, 0]).dropFirst()
        let notRTP: [[UInt8]] = [
            [], [0x80], [0x40] + Self.rtp(1).dropFirst(), [0x8F] + Self.rtp(1).dropFirst(),
            [0x90] + Self.rtp(1, payload: [0]).dropFirst(), extended,
            Self.rtp(1, payload: .init(repeating: 0, count: 65524)),
        ]
        for packet in notRTP {
            var buffer = packet
            #expect(throws: SRTPError.malformed) { try sender.protectRTP(&buffer) }
            #expect(buffer == packet)
        }
        let notRTCP: [[UInt8]] = [[], [0x80, 200, 0, 0, 0, 0, 0], [0x40] + Self.rtcp().dropFirst()]
        for packet in notRTCP {
            var buffer = packet
            #expect(throws: SRTPError.malformed) { try sender.protectRTCP(&buffer) }
            #expect(buffer == packet)
        }
    }

    @Test("random bytes are refused and change nothing", arguments: SRTPProtectionProfile.allCases)
    func garbage(profile: SRTPProtectionProfile) throws {
        let (sender, receiver) = Self.pair(profile)
        var packet = try Self.protected(sender, 1)
        try receiver.unprotectRTP(&packet)
        let random = SeededRandomSource(seed: 42)
        for _ in 0..<20000 {
            var bytes = random.bytes(random.below(90))
            if !bytes.isEmpty, random.below(2) == 0 { bytes[0] = 0x80 | bytes[0] & 0x1F }
            var copy = bytes
            #expect(throws: SRTPError.self) { try receiver.unprotectRTP(&bytes) }
            #expect(throws: SRTPError.self) { try receiver.unprotectRTCP(&copy) }
        }
        packet = try Self.protected(sender, 2)
        try receiver.unprotectRTP(&packet)
        #expect(packet == Self.rtp(2))
    }

    @Test("the keys of one direction do not open the other's packets")
    func otherKeys() throws {
        for profile in SRTPProtectionProfile.allCases {
            let (sender, _) = Self.pair(profile)
            let receiver = SRTPReceiver(profile: profile, masterKey: Self.masterKey(profile, seed: 2))
            var packet = try Self.protected(sender, 1)
            #expect(throws: SRTPError.authenticationFailed) { try receiver.unprotectRTP(&packet) }
        }
    }
}

@Suite("A replay window")
struct ReplayWindowTests {
    @Test("agrees with a set of everything seen", arguments: 0..<20 as Range<UInt64>)
    func model(seed: UInt64) {
        let random = SeededRandomSource(seed: seed)
        var window = ReplayWindow()
        var seen: Set<UInt64> = []
        var highest: UInt64 = 0
        for _ in 0..<20000 {
            let jump = random.below(200) == 0 ? 5000 : 64
            let index = UInt64(max(0, Int(highest) + random.below(jump + 1000) - 1000))
            let expected: SRTPError? =
                seen.isEmpty || index > highest
                ? nil : highest - index >= ReplayWindow.size ? .tooOld : seen.contains(index) ? .replayed : nil
            #expect(window.objection(to: index) == expected)
            if expected == nil {
                window.insert(index)
                seen.insert(index)
                highest = max(highest, index)
            }
        }
    }
}

@Suite("RFC 3711, appendix A: the index of a packet")
struct PacketIndexTests {
    @Test("takes the rollover counter that brings it nearest to the highest index")
    func estimate() {
        #expect(PacketIndex.estimate(7, highest: nil) == 7)
        #expect(PacketIndex.estimate(8, highest: 7) == 8)
        #expect(PacketIndex.estimate(0, highest: 0xFFFF) == 0x1_0000)
        #expect(PacketIndex.estimate(0xFFFF, highest: 0x1_0000) == 0xFFFF)
        #expect(PacketIndex.estimate(0xFFF0, highest: 0x5_0010) == 0x4_FFF0)
        #expect(PacketIndex.estimate(0x7FFF, highest: 0x5_FFFF) == 0x5_7FFF)
        #expect(PacketIndex.estimate(0x7FFE, highest: 0x5_FFFF) == 0x6_7FFE)
        #expect(PacketIndex.estimate(0x8000, highest: 0x5_0000) == 0x5_8000)
        #expect(PacketIndex.estimate(0x8001, highest: 0x5_0000) == 0x4_8001)
        #expect(PacketIndex.estimate(0xFFFF, highest: 3) == 0xFFFF)
    }
}
