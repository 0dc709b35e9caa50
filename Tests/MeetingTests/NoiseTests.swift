import Meeting
import Testing
import Wire

/// Noise_IK_25519_AESGCM_SHA256 against the vectors that cacophony publishes and other implementations test with.
@Suite struct NoiseTests {
    private static func pair(_ digits: String) throws -> X25519KeyPair {
        try #require(X25519KeyPair(privateKey: hex(digits)))
    }

    private let prologue = hex("4a6f686e2047616c74")
    private let initiator: X25519KeyPair
    private let responder: X25519KeyPair
    private let first: X25519KeyPair
    private let second: X25519KeyPair

    init() throws {
        initiator = try Self.pair("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1")
        first = try Self.pair("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a")
        responder = try Self.pair("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893")
        second = try Self.pair("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b")
    }

    private let greeting = hex(
        """
        ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444e417bc55c7a8166c993356c1be41ef67818a292426f3015
        56c7f26b21d25ddb097153891a9a956cff47b83e63ad8d701c1342c209cff1ca5ecd43402762ac249e3bd3a4c0a145fe07cb5dae28ea13a3
        """)
    private let answer = hex(
        """
        95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843af2ccf9972e22afc67aeafcd25162f7f98c363b7762e3e4c
        b7d272e39f27a5
        """)

    private func greet() throws -> NoiseInitiator {
        try NoiseInitiator(
            keys: initiator, responder: responder.publicKey, prologue: prologue,
            payload: hex("4c756477696720766f6e204d69736573"), ephemeral: first)
    }

    @Test func `a public key belongs to its private one`() {
        #expect(
            responder.publicKey == hex("31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62"))
        #expect(X25519KeyPair(privateKey: [1, 2, 3]) == nil)
    }

    @Test func `both messages of the handshake are those of the published vector`() throws {
        let call = try greet()
        #expect(call.message == greeting)
        let door = try NoiseResponder(keys: responder, prologue: prologue, message: greeting[...])
        #expect(door.payload == hex("4c756477696720766f6e204d69736573"))
        #expect(door.remoteKey == initiator.publicKey)
        let (message, keys) = try door.answer(hex("4d757272617920526f746862617264"), ephemeral: second)
        #expect(message == answer)
        let (payload, other) = try call.finish(answer[...])
        #expect(payload == hex("4d757272617920526f746862617264"))
        #expect(keys.sending == other.receiving)
        #expect(keys.receiving == other.sending)
    }

    @Test func `messages after it are sealed as in the published vector`() throws {
        let (_, keys) = try greet().finish(answer[...])
        var there = SealingKey(keys.sending)
        var back = SealingKey(keys.receiving)
        #expect(
            there.seal(hex("462e20412e20486179656b"))
                == .sealed(counter: 0, hex("66acfc92e3197de166809e6d4d5d003dcc819a84bc3522ca53c9d9")[...]))
        #expect(
            back.seal(hex("4361726c204d656e676572"))
                == .sealed(counter: 0, hex("71f89aa6533a6de70b0826864dd75f60806ee40170c16290189eb3")[...]))
        #expect(
            there.seal(hex("4a65616e2d426170746973746520536179"))
                == .sealed(
                    counter: 1, hex("4795a3423550c8bf00386bd496a3e2c76c10669d2a75ab8f79b5094c5412a25705")[...]))
        #expect(
            back.seal(hex("457567656e2042f6686d20766f6e2042617765726b"))
                == .sealed(
                    counter: 1, hex("aa0bb39097555c918e40be82abc2b909eb79d9eb87adb07e268fc37323a6cf904fd01fb391")[...]))
    }

    @Test func `a first message that was changed anywhere is refused`() throws {
        for index in greeting.indices {
            var changed = greeting
            changed[index] ^= 0x40
            #expect(throws: NoiseError.self, "byte \(index)") {
                try NoiseResponder(keys: responder, prologue: prologue, message: changed[...])
            }
        }
    }

    @Test func `a second message that was changed anywhere is refused`() throws {
        let call = try greet()
        for index in answer.indices {
            var changed = answer
            changed[index] ^= 1
            #expect(throws: NoiseError.self, "byte \(index)") { try call.finish(changed[...]) }
        }
    }

    @Test func `a message that is cut anywhere is refused`() throws {
        let call = try greet()
        for count in 0..<greeting.count {
            #expect(throws: NoiseError.self) {
                try NoiseResponder(keys: responder, prologue: prologue, message: greeting.prefix(count))
            }
        }
        for count in 0..<answer.count {
            #expect(throws: NoiseError.self) { try call.finish(answer.prefix(count)) }
        }
    }

    @Test func `whoever has another key or means another conversation does not read the first message`() {
        #expect(throws: NoiseError.notAuthentic) {
            try NoiseResponder(keys: second, prologue: prologue, message: greeting[...])
        }
        #expect(throws: NoiseError.notAuthentic) {
            try NoiseResponder(keys: responder, prologue: prologue + [0], message: greeting[...])
        }
    }

    /// RFC 7748 §6.1: with these, anybody could compute the secret.
    @Test(arguments: [[UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31)])
    func `a key that has the same in common with everybody is none`(key: [UInt8]) {
        #expect(throws: NoiseError.badKey) {
            try NoiseInitiator(keys: initiator, responder: key, prologue: [], payload: [], ephemeral: first)
        }
        #expect(throws: NoiseError.badKey) {
            try NoiseResponder(keys: responder, prologue: prologue, message: key + greeting.dropFirst(32))
        }
    }

    @Test func `sealed messages open once, in their order, and unchanged`() throws {
        var sealing = SealingKey([UInt8](repeating: 7, count: 32))
        var opening = OpeningKey([UInt8](repeating: 7, count: 32))
        let frames = (0..<3).map { sealing.seal([UInt8($0)]) }
        func open(_ frame: MeetingFrame, changing change: UInt8 = 0) throws -> [UInt8] {
            guard case .sealed(let counter, var bytes) = frame else { return [] }
            if !bytes.isEmpty { bytes[bytes.startIndex] ^= change }
            return try opening.open(counter: counter, bytes)
        }
        #expect(throws: OpeningKey.Failure.gap) { try open(frames[1]) }
        #expect(throws: OpeningKey.Failure.notAuthentic) { try open(frames[0], changing: 1) }
        #expect(try open(frames[0]) == [0])
        #expect(throws: OpeningKey.Failure.duplicate) { try open(frames[0]) }
        #expect(try open(frames[1]) == [1])
        #expect(throws: OpeningKey.Failure.gap) { try open(.sealed(counter: .max, [1, 2, 3])) }
        #expect(throws: OpeningKey.Failure.notAuthentic) { try open(.sealed(counter: 2, [])) }
        #expect(try open(frames[2]) == [2])
    }
}
