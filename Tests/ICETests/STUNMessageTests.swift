import Testing
import Wire

@testable import ICE

/// The bytes that `text` writes in hexadecimal digits.
func bytes(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// RFC 5769.
enum Vector {
    static let password = "VOkJxbRl1RmTxUk/WvJxBt"

    static let username = "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}"

    static let request = bytes(
        """
        00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff
        80290008 932ff9b151263b36 00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
        80280004 e57a3bcf
        """)
    static let responseIPv4 = bytes(
        """
        0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147e112a643
        00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96
        """)
    static let responseIPv6 = bytes(
        """
        01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
        00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9 00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
        80280004 c8fb0b4c
        """)
    static let longTermRequest = bytes(
        """
        00010060 2112a442 78ad3433c6ad72c029da412e 00060012 e3839ee38388e383aae38383e382afe382b90000
        0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341 0014000b 6578616d706c652e6f726700
        00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666
        """)

    /// RFC 8489 appendix B.1, as erratum 6268 corrects it.
    static let longTermRequestSHA256 = bytes(
        """
        00010090 2112a442 78ad3433c6ad72c029da412e
        001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
        00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000
        0014000b 6578616d706c652e6f726700 001d0004 00020000
        001c0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65
        """)

    static let all = [request, responseIPv4, responseIPv6, longTermRequest, longTermRequestSHA256]
}

@Suite struct `STUN messages` {
    @Test func `The request of RFC 5769 §2.1 is read whole and is authentic`() throws {
        let message = try STUNMessage(parsing: Vector.request)
        #expect(message.messageClass == .request)
        #expect(message.method == .binding)
        #expect(message.transactionID == .init(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE))
        #expect(
            message.attributes == [
                .software("STUN test client"), .priority(0x6E00_01FF), .iceControlled(0x932F_F9B1_5126_3B36),
                .username("evtj:h6vY"),
            ])
        #expect(message.hasFingerprint)
        #expect(message.isAuthentic(STUNKey(password: Vector.password)))
        #expect(!message.isAuthentic(STUNKey(password: "VOkJxbRl1RmTxUk/WvJxBu")))
    }

    @Test(arguments: [
        (Vector.responseIPv4, "192.0.2.1"), (Vector.responseIPv6, "2001:db8:1234:5678:11:2233:4455:6677"),
    ])
    func `The responses of RFC 5769 §2.2 and §2.3 tell the mapped address`(datagram: [UInt8], address: String) throws {
        let message = try STUNMessage(parsing: datagram)
        #expect(message.messageClass == .successResponse)
        #expect(message.mappedAddress == SocketAddress(IPAddress(address)!, port: 32853))
        #expect(message.attributes.first == .software("test vector"))
        #expect(message.isAuthentic(STUNKey(password: Vector.password)))
    }

    @Test func `The long-term request of RFC 5769 §2.4 is authentic and is written again byte for byte`() throws {
        let message = try STUNMessage(parsing: Vector.longTermRequest)
        #expect(
            message.attributes == [
                .username("\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}"), .nonce("f//499k954d6OL34oL9FSTvy64sA"),
                .realm("example.org"),
            ])
        #expect(!message.hasFingerprint)
        let key = STUNKey(username: Vector.username, realm: "example.org", password: "TheMatrIX", algorithm: nil)
        #expect(message.isAuthentic(key))
        #expect(message.serialized(key: key, fingerprint: false) == Vector.longTermRequest)
    }

    @Test
    func `The request of RFC 8489 §B.1 hides its name, is authentic by SHA-256 and is written again byte for byte`()
        throws
    {
        let message = try STUNMessage(parsing: Vector.longTermRequestSHA256)
        let hash = STUNAttribute.userHash(username: Vector.username, realm: "example.org")
        #expect(
            message.attributes == [
                .userHash(hash), .nonce("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"), .realm("example.org"),
                .passwordAlgorithm(.sha256),
            ])
        let key = STUNKey(username: Vector.username, realm: "example.org", password: "TheMatrIX", algorithm: .sha256)
        #expect(message.isAuthentic(key))
        #expect(!message.isAuthentic(STUNKey(password: "TheMatrIX")))
        #expect(message.serialized(key: key, fingerprint: false) == Vector.longTermRequestSHA256)
    }

    @Test func `MESSAGE-INTEGRITY-SHA256 may be cut to sixteen bytes, and no further (RFC 8489 §14.6)`() throws {
        let key = STUNKey(bytes("00"), isSHA256: true)
        for count in [8, 12, 16, 20, 32, 36] {
            var datagram = STUNMessage(.request, transactionID: .init(high: 1, low: 2), attributes: [.username("a")])
                .serialized(fingerprint: false)
            let code = count <= 32 ? key.authenticate(datagram[...], length: count) : [UInt8](repeating: 0, count: 36)
            STUNAttribute.append(type: STUNAttribute.messageIntegritySHA256Type, value: code, to: &datagram)
            datagram.set(uint16: UInt16(datagram.count - 20), at: 2)
            if (16...32).contains(count) {
                #expect(try STUNMessage(parsing: datagram).isAuthentic(key))
            } else {
                #expect(throws: STUNError.malformedAttribute(type: STUNAttribute.messageIntegritySHA256Type)) {
                    try STUNMessage(parsing: datagram)
                }
            }
        }
    }

    @Test func `The attributes of TURN and of long-term credentials are read back`() throws {
        let id = STUNMessage.TransactionID(random: SeededRandomSource(seed: 2))
        let address = SocketAddress(IPAddress("2001:db8::17")!, port: 65535)
        let attributes: [STUNAttribute] = [
            .channelNumber(0x4FFF), .lifetime(.max), .xorPeerAddress(address), .xorRelayedAddress(address),
            .data([]), .data([1, 2, 3]), .requestedAddressFamily(2), .additionalAddressFamily(2),
            .addressErrorCode(family: 2, 440, reason: "no"), .requestedTransport(17), .icmp(type: 3, code: 3),
            .userHash([1, 2]), .passwordAlgorithm(.sha256),
            .passwordAlgorithms([.md5, .init(number: 7, parameters: [1, 2, 3]), .sha256]), .alternateServer(address),
            .alternateDomain("relay.example"),
        ]
        let sent = STUNMessage(.successResponse, method: .allocate, transactionID: id, attributes: attributes)
        let received = try STUNMessage(parsing: sent.serialized())
        #expect(received.attributes == attributes)
        #expect(received.unknownRequiredAttributes.isEmpty)
    }

    @Test func `What is written is read back`() throws {
        let id = STUNMessage.TransactionID(random: SeededRandomSource(seed: 1))
        let address = SocketAddress(IPAddress("2001:db8::17")!, port: 65535)
        let attributes: [STUNAttribute] = [
            .mappedAddress(address), .xorMappedAddress(address),
            .xorMappedAddress(SocketAddress(.v4(0xC000_0201), port: 1)), .username("a:b"), .realm("r"), .nonce("nnn"),
            .software(""), .errorCode(487, reason: "Role Conflict"), .errorCode(300, reason: ""),
            .unknownAttributes([0x7FFF, 1]), .priority(.max), .useCandidate, .iceControlled(.max), .iceControlling(0),
            .other(type: 0x7777, value: [1, 2, 3]), .other(type: 0xFFFF, value: []),
        ]
        let key = STUNKey(password: "password")
        for messageClass in [STUNMessage.Class.request, .indication, .successResponse, .errorResponse] {
            for method in [STUNMessage.Method.binding, .init(rawValue: 0x003), .init(rawValue: 0xFFF)] {
                let sent = STUNMessage(messageClass, method: method, transactionID: id, attributes: attributes)
                let received = try STUNMessage(parsing: sent.serialized(key: key))
                #expect(received.messageClass == messageClass)
                #expect(received.method == method)
                #expect(received.transactionID == id)
                #expect(received.attributes == attributes)
                #expect(received.hasFingerprint)
                #expect(received.isAuthentic(key))
            }
        }
    }

    @Test func `A message that was not received is authentic to nobody`() {
        let message = STUNMessage(.request, transactionID: .init(high: 0, low: 0))
        #expect(!message.hasIntegrity)
        #expect(!message.isAuthentic(STUNKey(password: "")))
    }

    @Test func `An attribute smuggled in behind the integrity is not seen`() throws {
        let key = STUNKey(password: Vector.password)
        var datagram = STUNMessage(
            .request, transactionID: .init(high: 1, low: 2), attributes: [.username("a:b")]
        ).serialized(key: key, fingerprint: false)
        STUNAttribute.append(type: STUNAttribute.useCandidateType, value: [], to: &datagram)
        datagram.set(uint16: UInt16(datagram.count - 20), at: 2)
        let message = try STUNMessage(parsing: datagram)
        #expect(message.isAuthentic(key))
        #expect(!message.hasUseCandidate)
    }

    @Test func `Attributes that must be understood and are not are listed`() throws {
        let message = STUNMessage(
            .request, transactionID: .init(high: 1, low: 2),
            attributes: [.other(type: 0x7F00, value: []), .other(type: 0x8F00, value: []), .useCandidate])
        #expect(try STUNMessage(parsing: message.serialized()).unknownRequiredAttributes == [0x7F00])
    }

    @Test func `A reason phrase or software that is not UTF-8 does not spoil the message, a user name does`() throws {
        func message(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
            STUNMessage(.request, transactionID: .init(high: 1, low: 2), attributes: [.other(type: type, value: value)])
                .serialized()
        }
        #expect(try STUNMessage(parsing: message(0x0009, [0, 0, 4, 1, 0xFF])).errorCode == 401)
        #expect(throws: Never.self) { try STUNMessage(parsing: message(0x8022, [0xFF])) }
        #expect(throws: STUNError.malformedAttribute(type: 0x0006)) {
            try STUNMessage(parsing: message(0x0006, [0xFF]))
        }
    }

    @Test(
        arguments: [
            (0x0001, [0, 1, 0, 0, 1, 2, 3]), (0x0001, [0, 3, 0, 0, 1, 2, 3, 4]), (0x0020, [0, 2, 0, 0, 1, 2, 3, 4]),
            (0x0009, [0, 0, 2, 0]), (0x0009, [0, 0, 7, 0]), (0x0009, [0, 0, 4, 100]), (0x0009, [0, 0, 4]),
            (0x000A, [1]),
            (0x000C, [1, 2, 3]), (0x000D, [1, 2, 3]), (0x0012, [0, 1, 0, 0, 1, 2, 3]),
            (0x0016, [0, 9, 0, 0, 1, 2, 3, 4]),
            (0x001D, [0, 1, 0, 1]), (0x8002, [0, 1, 0]), (0x8001, [2, 0, 2, 0]), (0x8004, [0, 0, 0, 0]),
            (0x0024, [1, 2, 3]), (0x0024, [1, 2, 3, 4, 5]), (0x0025, [1]), (0x8029, [1, 2, 3, 4]), (0x802A, []),
        ] as [(UInt16, [UInt8])])
    func `An attribute of a wrong length or content is told`(type: UInt16, value: [UInt8]) {
        let message = STUNMessage(
            .request, transactionID: .init(high: 1, low: 2), attributes: [.other(type: type, value: value)])
        #expect(throws: STUNError.malformedAttribute(type: type)) { try STUNMessage(parsing: message.serialized()) }
    }

    @Test func `Each defect of the frame has its error`() throws {
        let whole = Vector.request
        func parse(_ change: (inout [UInt8]) -> Void) -> STUNError? {
            var datagram = whole
            change(&datagram)
            do throws(STUNError) {
                _ = try STUNMessage(parsing: datagram)
                return nil
            } catch {
                return error
            }
        }
        #expect(parse { $0[0] = 0x80 } == .notSTUN)
        #expect(parse { $0[4] = 0x22 } == .notSTUN)
        #expect(parse { $0[3] += 1 } == .misalignedLength)
        #expect(parse { $0[3] += 4 } == .truncated)
        #expect(parse { $0.append(0) } == .trailingBytes)
        #expect(parse { $0[23] = 0xFF } == .truncatedAttribute(type: STUNAttribute.softwareType))
        #expect(parse { $0[$0.count - 1] ^= 1 } == .fingerprintMismatch)
        #expect(
            parse {
                $0[3] += 4
                let offset = $0.count - 8
                $0.set(uint32: CRC32.checksum($0[..<offset]) ^ 0x5354_554E, at: offset + 4)
                $0 += [0, 0x25, 0, 0]
            } == .attributeAfterFingerprint)
    }

    @Test(arguments: Vector.all)
    func `Cut off anywhere, a message is refused`(whole: [UInt8]) {
        for count in 0..<whole.count {
            #expect(throws: STUNError.self) { try STUNMessage(parsing: Array(whole[..<count])) }
        }
    }

    @Test(arguments: [Vector.request, Vector.responseIPv4, Vector.responseIPv6])
    func `With any bit turned over, a message is refused or not authentic`(whole: [UInt8]) {
        let key = STUNKey(password: Vector.password)
        // Beyond the integrity the FINGERPRINT's own header may turn into an attribute that is ignored.
        for bit in 0..<((whole.count - 8) * 8) {
            var damaged = whole
            damaged[bit / 8] ^= 1 << (bit % 8)
            if let message = try? STUNMessage(parsing: damaged) { #expect(!message.isAuthentic(key)) }
        }
    }

    @Test func `Random bytes, and random attributes under an intact header, never trap`() {
        let random = SeededRandomSource(seed: 5769)
        let key = STUNKey(password: Vector.password)
        var parsed = 0
        for round in 0..<20_000 {
            var datagram = random.bytes(random.below(120) & (round.isMultiple(of: 2) ? ~0 : ~3))
            if !round.isMultiple(of: 2), datagram.count >= 20 {
                datagram.replaceSubrange(0..<8, with: [0, 1, 0, UInt8(datagram.count - 20), 0x21, 0x12, 0xA4, 0x42])
                for index in stride(from: 20, to: datagram.count - 3, by: 8) {
                    datagram.replaceSubrange(
                        index..<(index + 4), with: [UInt8(random.below(2) * 0x80), UInt8(random.below(0x30)), 0, 4])
                }
            }
            if let message = try? STUNMessage(parsing: datagram) {
                parsed += 1
                _ = message.isAuthentic(key)
                _ = message.serialized(key: key)
                _ = ICEAgent.localUsernameFragment(of: datagram)
            }
        }
        #expect(parsed > 100)
    }
}

@Suite struct `Digests` {
    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (
            String(repeating: "01234567", count: 80),
            "dea356a2cddd90c7a7ecedc5ebb563934f460452"
        ),
    ])
    func `SHA-1 agrees with RFC 3174`(text: String, digest: String) {
        var hash = SHA1()
        hash.update(text.utf8)
        #expect(hash.digest() == bytes(digest))
    }

    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 agrees with FIPS 180-4's examples`(text: String, digest: String) {
        #expect(SHA256.digest(text.utf8) == bytes(digest))
    }

    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f"
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a"
        ),
        // RFC 8489 §9.2.2
        ("user:realm:pass", "8493fbc53ba582fb4c044c456bdc40eb"),
    ])
    func `MD5 agrees with RFC 1321`(text: String, digest: String) {
        #expect(MD5.digest(text.utf8) == bytes(digest))
    }

    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ] as [([UInt8], [UInt8], String)])
    func `HMAC-SHA256 agrees with RFC 4231`(key: [UInt8], data: [UInt8], code: String) {
        #expect(STUNKey(key, isSHA256: true).code(data) == bytes(code))
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
    ])
    func `Base64 agrees with RFC 4648`(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
    }

    @Test(
        arguments: [
            ([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
            ),
            (
                [UInt8](repeating: 0xAA, count: 80),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "aa4ae5e15272d00e95705637ce8a3b55ed402112"
            ),
        ] as [([UInt8], [UInt8], String)])
    func `HMAC-SHA1 agrees with RFC 2202`(key: [UInt8], data: [UInt8], code: String) {
        #expect(STUNKey(key).code(data) == bytes(code))
    }

    @Test func `CRC-32 has its check value`() {
        #expect(CRC32.checksum("123456789".utf8) == 0xCBF4_3926)
    }
}
