import Meeting
import Testing
import Wire

/// A page that meets a door, without a broker in between.
struct Page {
    let mailbox: MeetingMailbox
    private let call: NoiseInitiator
    private var sealing: SealingKey?
    private var opening: OpeningKey?
    /// What the door answered to the handshake.
    private(set) var answer: String?
    /// What it said since.
    private(set) var heard: [String] = []
    /// Whether it said that it knows no session.
    private(set) var isUnknown = false

    /// A page whose keys and mailbox follow from `seed`.
    init(_ seed: UInt64, of door: X25519KeyPair, says payload: String = "{}") throws {
        let random = SeededRandomSource(seed: seed)
        let keys = X25519KeyPair(random: random)
        let digits = (random.bytes(16)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        mailbox = try #require(MeetingMailbox(digits))
        call = try NoiseInitiator(
            keys: keys, responder: door.publicKey, prologue: DoorID(of: door.publicKey).prologue(for: mailbox),
            payload: Array(payload.utf8), ephemeral: X25519KeyPair(random: random))
    }

    /// The handshake message.
    var greeting: [UInt8] { MeetingFrame.greeting(call.message[...]).payload }

    /// Takes what the door publishes.
    mutating func take(_ payload: [UInt8]) throws {
        switch try #require(MeetingFrame(payload)) {
        case .answer(let message):
            let (payload, keys) = try call.finish(message)
            answer = String(decoding: payload, as: UTF8.self)
            sealing = SealingKey(keys.sending)
            opening = OpeningKey(keys.receiving)
        case .sealed(let counter, let ciphertext):
            let text = try opening?.open(counter: counter, ciphertext)
            heard.append(String(decoding: try #require(text), as: UTF8.self))
        case .unknown: isUnknown = true
        case .greeting, .farewell: Issue.record("a door says no such thing")
        }
    }

    /// A message, sealed.
    mutating func seal(_ text: String) throws -> [UInt8] {
        let frame = sealing?.seal(Array(text.utf8))
        return try #require(frame).payload
    }
}
