import Wire

/// What one MQTT message between a page and the door holds. PROTOCOL.md has the layout.
///
/// ```
/// 01 Noise message 1 …                     page → door
/// 02 Noise message 2 …                     door → page
/// 03 counter (8 bytes) ciphertext, tag …   both ways
/// 04                                       both ways
/// (nothing)                                page → door: it has left
/// ```
public enum MeetingFrame: Hashable, Sendable {
    /// The page's handshake message.
    case greeting(ArraySlice<UInt8>)
    /// The door's.
    case answer(ArraySlice<UInt8>)
    /// A sealed message, with its counter.
    case sealed(counter: UInt64, ArraySlice<UInt8>)
    /// The sender knows no session of this mailbox, or none any more.
    case unknown
    /// The page has left.
    case farewell

    /// The most bytes of a frame: a message of the call protocol, and what it takes to seal it.
    public static let maximumBytes = 65_536 + 32

    /// What `payload` says; nil where it is no frame.
    public init?(_ payload: [UInt8]) {
        guard payload.count <= Self.maximumBytes else { return nil }
        guard let kind = payload.first else {
            self = .farewell
            return
        }
        var reader = ByteReader(payload)
        switch kind {
        case 1: self = .greeting(payload.dropFirst())
        case 2: self = .answer(payload.dropFirst())
        case 3:
            guard (try? reader.skip(1)) != nil, let counter = try? reader.uint64() else { return nil }
            self = .sealed(counter: counter, reader.rest())
        case 4:
            guard payload.count == 1 else { return nil }
            self = .unknown
        default: return nil
        }
    }

    /// The MQTT message.
    public var payload: [UInt8] {
        switch self {
        case .greeting(let message): return [1] + message
        case .answer(let message): return [2] + message
        case .sealed(let counter, let ciphertext):
            var bytes: [UInt8] = [3]
            bytes.reserveCapacity(9 + ciphertext.count)
            bytes.append(uint64: counter)
            return bytes + ciphertext
        case .unknown: return [4]
        case .farewell: return []
        }
    }
}

/// Seals messages of one direction, each with the next counter.
public struct SealingKey: Sendable {
    private let key: [UInt8]
    private var counter: UInt64 = 0

    /// Seals with `key`, 32 bytes that no other has sealed with.
    public init(_ key: [UInt8]) {
        self.key = key
    }

    /// The frame that says `text` to nobody but the holder of the key.
    public mutating func seal(_ text: [UInt8]) -> MeetingFrame {
        defer { counter += 1 }
        return .sealed(counter: counter, NoiseFunctions.encrypt(text, key: key, counter: counter)[...])
    }
}

/// Opens messages of one direction, in the order in which they were sealed.
public struct OpeningKey: Sendable {
    /// Why a frame says nothing.
    public enum Failure: Error, Hashable, Sendable {
        /// It was there before: a message may come twice (MQTT 5 §4.3.2, QoS 1).
        case duplicate
        /// One before it is missing.
        case gap
        /// It was not sealed with this key and this counter.
        case notAuthentic
    }

    private let key: [UInt8]
    private var counter: UInt64 = 0

    /// Opens what was sealed with `key`, 32 bytes.
    public init(_ key: [UInt8]) {
        self.key = key
    }

    /// What a sealed frame says.
    public mutating func open(counter: UInt64, _ ciphertext: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        guard counter >= self.counter else { throw .duplicate }
        guard counter == self.counter else { throw .gap }
        guard let text = NoiseFunctions.decrypt(ciphertext, key: key, counter: counter) else { throw .notAuthentic }
        self.counter += 1
        return text
    }
}
