import Wire

/// The RTP header extensions that Doorward knows, by the URI that `a=extmap` names them with (RFC 8285 §5).
public enum HeaderExtension: String, CaseIterable, Hashable, Sendable {
    /// Which media description a packet belongs to (RFC 9143 §15).
    case mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    /// When the packet left the sender, to 3.8 µs.
    case absoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    /// A sequence number over all streams of the transport, which `TransportFeedback` reports on.
    case transportSequenceNumber = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    /// How loud the packet's sound is (RFC 6464).
    case audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    /// How long the receiver should hold frames back.
    case playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
}

/// The identifiers that SDP gave to the header extensions of a stream; nil where one was not negotiated.
public struct HeaderExtensionMap: Hashable, Sendable {
    /// By `index(of:)`; 0 for none.
    private var identifiers = SIMD8<UInt8>()

    /// No extension is negotiated.
    public init() {}

    /// The identifier of `kind`: 1 to 14, or up to 255 where the two-byte form is used; setting nil or 0 removes it.
    public subscript(kind: HeaderExtension) -> UInt8? {
        get {
            let identifier = identifiers[Self.index(of: kind)]
            return identifier == 0 ? nil : identifier
        }
        set { identifiers[Self.index(of: kind)] = newValue ?? 0 }
    }

    /// The extension that `identifier` names.
    func kind(of identifier: UInt8) -> HeaderExtension? {
        HeaderExtension.allCases.first { self[$0] == identifier }
    }

    private static func index(of kind: HeaderExtension) -> Int {
        switch kind {
        case .mid: 0
        case .absoluteSendTime: 1
        case .transportSequenceNumber: 2
        case .audioLevel: 3
        case .playoutDelay: 4
        }
    }
}

/// The loudness of a packet's sound (RFC 6464 §3).
public struct AudioLevel: Hashable, Sendable {
    /// Decibels below overload: 0 is the loudest, 127 digital silence.
    public let decibelsBelowOverload: UInt8
    /// Whether the sender believes that this is speech.
    public let isVoice: Bool

    /// A level of −`decibelsBelowOverload` dBov, which is limited to 127.
    public init(decibelsBelowOverload: Int, isVoice: Bool) {
        self.decibelsBelowOverload = UInt8(min(max(decibelsBelowOverload, 0), 127))
        self.isVoice = isVoice
    }

    /// `V` in the top bit, the level in the other seven.
    public init(byte: UInt8) {
        decibelsBelowOverload = byte & 0x7F
        isVoice = byte & 0x80 != 0
    }

    /// The extension element's one byte.
    public var byte: UInt8 { decibelsBelowOverload | (isVoice ? 0x80 : 0) }
}

/// A packet's departure in seconds as 6.18 fixed point, wrapping every 64 s.
public struct AbsoluteSendTime: Hashable, Sendable {
    /// 24 bits.
    public let rawValue: UInt32

    /// The low 24 bits of `rawValue`.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue & 0xFF_FFFF
    }

    /// The time of `instant`, whatever its epoch.
    public init(_ instant: Instant) {
        let inCycle = instant.nanoseconds.flooredQuotientAndRemainder(64_000_000_000).remainder
        rawValue = UInt32((inCycle << 18) / 1_000_000_000)
    }
}

/// Bounds for how long the receiver holds frames back before it shows them, in steps of 10 ms up to 40.95 s.
/// Zero to zero asks for each frame as soon as it is decoded.
public struct PlayoutDelay: Hashable, Sendable {
    /// The least delay, in units of 10 ms; 12 bits.
    public let minimum: UInt16
    /// The greatest delay, in units of 10 ms; 12 bits.
    public let maximum: UInt16

    /// Bounds in units of 10 ms, each limited to 4095.
    public init(minimum: UInt16, maximum: UInt16) {
        self.minimum = min(minimum, 0xFFF)
        self.maximum = min(maximum, 0xFFF)
    }
}

/// The values of the header extensions of one packet. A fixed set, so that writing a packet allocates nothing.
public struct HeaderExtensionValues: Hashable, Sendable {
    /// The MID in UTF-8; empty for none. Browsers take at most 16 bytes.
    public var mid: [UInt8] = []
    /// When the packet leaves.
    public var absoluteSendTime: AbsoluteSendTime?
    /// The number over all streams of the transport.
    public var transportSequenceNumber: UInt16?
    /// How loud the sound is.
    public var audioLevel: AudioLevel?
    /// How long frames may be held back.
    public var playoutDelay: PlayoutDelay?

    /// No values.
    public init() {}
}

/// The elements of a packet's header extension, decoded one after the other; ends at the first that RFC 8285 says ends
/// it.
public struct HeaderExtensionElements: Sequence, IteratorProtocol {
    /// One element.
    public struct Element: Hashable, Sendable {
        /// The local identifier: 1 to 14 or 1 to 255.
        public let identifier: UInt8
        /// The data, 1 to 16 or 0 to 255 bytes, a slice of the packet.
        public let bytes: ArraySlice<UInt8>
    }

    private var reader: ByteReader
    private let isTwoByte: Bool

    /// The elements in `bytes` under the 16 bits `profile`; a profile that is not RFC 8285's has none.
    init(profile: UInt16, bytes: ArraySlice<UInt8>) {
        isTwoByte = profile != 0xBEDE
        // RFC 8285 §4.3: 0x100 and four bits of the application's.
        let isKnown = !isTwoByte || profile & 0xFFF0 == 0x1000
        reader = ByteReader(isKnown ? bytes : bytes.prefix(0))
    }

    /// The next element; nil at the end, at the terminator, and where the rest is truncated.
    public mutating func next() -> Element? {
        while let first = try? reader.uint8() {
            if first == 0 { continue }  // §4.1.1: padding
            let identifier: UInt8
            let count: Int
            if isTwoByte {
                guard let length = try? reader.uint8() else { return nil }
                (identifier, count) = (first, Int(length))
            } else {
                identifier = first >> 4
                count = Int(first & 0xF) + 1
                // §4.2: at ID 15, and at ID 0 with a length, "processing of the entire extension MUST terminate".
                if identifier == 15 || identifier == 0 {
                    _ = reader.rest()
                    return nil
                }
            }
            guard let bytes = try? reader.slice(count) else {
                _ = reader.rest()
                return nil
            }
            return Element(identifier: identifier, bytes: bytes)
        }
        return nil
    }
}

extension HeaderExtensionValues {
    /// The values that `map` knows among `elements`; those of a wrong length are left out.
    init(_ elements: HeaderExtensionElements, map: HeaderExtensionMap) {
        for element in elements {
            var reader = ByteReader(element.bytes)
            switch (map.kind(of: element.identifier), element.bytes.count) {
            case (.mid, 1...): mid = Array(element.bytes)
            case (.absoluteSendTime, 3):
                absoluteSendTime = (try? reader.uint24()).map(AbsoluteSendTime.init(rawValue:))
            // Version 2 of the extension appends a feedback request of two bytes.
            case (.transportSequenceNumber, 2), (.transportSequenceNumber, 4):
                transportSequenceNumber = try? reader.uint16()
            case (.audioLevel, 1): audioLevel = (try? reader.uint8()).map(AudioLevel.init(byte:))
            case (.playoutDelay, 3):
                playoutDelay = (try? reader.uint24()).map {
                    PlayoutDelay(minimum: UInt16($0 >> 12), maximum: UInt16($0 & 0xFFF))
                }
            default: break
            }
        }
    }

    /// Appends the extension block (RFC 8285 §4.2, or §4.3 where an identifier or length needs it) with those values
    /// that `map` has an identifier for; nothing where there is none. Returns whether a block was appended.
    func write(to buffer: inout [UInt8], map: HeaderExtensionMap) -> Bool {
        let mid = self.mid.isEmpty ? nil : map[.mid]
        let time = absoluteSendTime == nil ? nil : map[.absoluteSendTime]
        let number = transportSequenceNumber == nil ? nil : map[.transportSequenceNumber]
        let level = audioLevel == nil ? nil : map[.audioLevel]
        let delay = playoutDelay == nil ? nil : map[.playoutDelay]
        let greatest = max(mid ?? 0, time ?? 0, number ?? 0, level ?? 0, delay ?? 0)
        guard greatest > 0 else { return false }
        let isTwoByte = greatest > 14 || (mid != nil && self.mid.count > 16)

        let start = buffer.count
        buffer.append(uint16: isTwoByte ? 0x1000 : 0xBEDE)
        buffer.append(uint16: 0)
        if let mid {
            let count = min(self.mid.count, 255)
            buffer.appendElement(mid, count: count, isTwoByte: isTwoByte)
            buffer.append(contentsOf: self.mid.prefix(count))
        }
        if let time, let value = absoluteSendTime {
            buffer.appendElement(time, count: 3, isTwoByte: isTwoByte)
            buffer.append(uint24: value.rawValue)
        }
        if let number, let value = transportSequenceNumber {
            buffer.appendElement(number, count: 2, isTwoByte: isTwoByte)
            buffer.append(uint16: value)
        }
        if let level, let value = audioLevel {
            buffer.appendElement(level, count: 1, isTwoByte: isTwoByte)
            buffer.append(value.byte)
        }
        if let delay, let value = playoutDelay {
            buffer.appendElement(delay, count: 3, isTwoByte: isTwoByte)
            buffer.append(uint24: UInt32(value.minimum) << 12 | UInt32(value.maximum))
        }
        while (buffer.count - start) & 3 != 0 { buffer.append(0) }
        buffer.set(uint16: UInt16((buffer.count - start) / 4 - 1), at: start + 2)
        return true
    }
}

extension [UInt8] {
    fileprivate mutating func appendElement(_ identifier: UInt8, count: Int, isTwoByte: Bool) {
        if isTwoByte {
            append(identifier)
            append(UInt8(count))
        } else {
            append(identifier << 4 | UInt8(count - 1))
        }
    }
}
