import Wire

/// When each packet of a transport arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
///
/// ```
/// |                      SSRC of packet sender                    |
/// |                      SSRC of media source                     |
/// |      base sequence number     |      packet status count      |
/// |                 reference time                | fb pkt. count |
/// |          packet chunk …       |     receive deltas …
/// ```
///
/// Only the packets that arrived are kept: a message of a few bytes may state the loss of 65535, and must not cost more
/// memory than it is long.
public struct TransportFeedback: Hashable, Sendable {
    /// A packet that arrived.
    public struct Arrival: Hashable, Sendable {
        /// The transport-wide sequence number.
        public let sequenceNumber: SequenceNumber
        /// When it arrived, in units of 250 µs on the receiver's clock, which wraps every 2³² units (12 days; a
        /// reference time of 24 bits of 64 ms each). Not in order where packets were not.
        public let ticks: UInt32

        /// The arrival of `sequenceNumber` at `ticks`.
        public init(sequenceNumber: SequenceNumber, ticks: UInt32) {
            self.sequenceNumber = sequenceNumber
            self.ticks = ticks
        }
    }

    /// Who reports.
    public var sender: SSRC
    /// Any stream of the transport.
    public var media: SSRC
    /// The first packet that this reports on.
    public var baseSequenceNumber: SequenceNumber
    /// How many packets from the first on this reports on; those not among `arrivals` had not arrived.
    public var statusCount: UInt16
    /// Counts the messages, so that a lost one is seen.
    public var feedbackPacketCount: UInt8
    /// The packets that arrived, by rising sequence number.
    public var arrivals: [Arrival]

    /// The length of a tick: 250 µs.
    public static let tick = Duration.microseconds(250)
    /// The ticks in one unit of the reference time: 64 ms.
    static let ticksPerReference: UInt32 = 256

    /// A message of these values.
    public init(
        sender: SSRC, media: SSRC, baseSequenceNumber: SequenceNumber, statusCount: UInt16, feedbackPacketCount: UInt8,
        arrivals: [Arrival]
    ) {
        self.sender = sender
        self.media = media
        self.baseSequenceNumber = baseSequenceNumber
        self.statusCount = statusCount
        self.feedbackPacketCount = feedbackPacketCount
        self.arrivals = arrivals
    }
}

/// How a packet chunk says what became of a packet (§3.1.1).
private enum Symbol {
    static let notReceived: UInt16 = 0
    static let smallDelta: UInt16 = 1
    static let largeDelta: UInt16 = 2
}

extension TransportFeedback {
    /// Nil where the chunks state more than the message can hold.
    init?(_ reader: inout ByteReader) throws(ByteReader.Truncated) {
        sender = SSRC(try reader.uint32())
        media = SSRC(try reader.uint32())
        baseSequenceNumber = SequenceNumber(try reader.uint16())
        statusCount = try reader.uint16()
        var ticks = try reader.uint24() &* Self.ticksPerReference
        feedbackPacketCount = try reader.uint8()
        arrivals = []

        // The deltas follow all chunks, so the chunks are read once for who arrived and the deltas after.
        var received: [(offset: Int, isLarge: Bool)] = []
        received.reserveCapacity(min(Int(statusCount), reader.remaining))
        var offset = 0
        while offset < Int(statusCount) {
            let chunk = try reader.uint16()
            let left = Int(statusCount) - offset
            if chunk & 0x8000 == 0 {
                let symbol = chunk >> 13 & 3
                let run = min(Int(chunk & 0x1FFF), left)
                guard run > 0 else { return nil }
                if symbol == Symbol.smallDelta || symbol == Symbol.largeDelta {
                    // Each has at least one byte of delta to come.
                    guard received.count + run <= reader.remaining else { return nil }
                    for index in 0..<run { received.append((offset + index, symbol == Symbol.largeDelta)) }
                }
                offset += run
            } else {
                let isTwoBit = chunk & 0x4000 != 0
                let count = min(isTwoBit ? 7 : 14, left)
                for index in 0..<count {
                    let symbol = isTwoBit ? chunk >> (12 - 2 * index) & 3 : chunk >> (13 - index) & 1
                    if symbol == Symbol.smallDelta || symbol == Symbol.largeDelta {
                        received.append((offset + index, symbol == Symbol.largeDelta))
                    }
                }
                offset += count
            }
        }
        arrivals.reserveCapacity(received.count)
        for (offset, isLarge) in received {
            let delta = isLarge ? Int32(Int16(bitPattern: try reader.uint16())) : Int32(try reader.uint8())
            ticks = ticks &+ UInt32(bitPattern: delta)
            arrivals.append(Arrival(sequenceNumber: baseSequenceNumber + offset, ticks: ticks))
        }
    }

    /// Appends the body. Each arrival must be within `statusCount` of the base, in order, and within 8 s of the one
    /// before, which `TransportFeedbackRecorder` sees to; what is not is left out as not received.
    func write(to buffer: inout [UInt8]) {
        let reference = (arrivals.first?.ticks ?? 0) / Self.ticksPerReference
        buffer.append(uint32: sender.rawValue)
        buffer.append(uint32: media.rawValue)
        buffer.append(uint16: baseSequenceNumber.rawValue)
        buffer.append(uint16: statusCount)
        buffer.append(uint24: reference)
        buffer.append(feedbackPacketCount)

        var symbols = [UInt16](repeating: Symbol.notReceived, count: Int(statusCount))
        var deltas: [Int32] = []
        var ticks = reference &* Self.ticksPerReference
        for arrival in arrivals {
            let offset = Int(arrival.sequenceNumber.rawValue &- baseSequenceNumber.rawValue)
            let delta = Int32(bitPattern: arrival.ticks &- ticks)
            guard offset < symbols.count, symbols[offset] == Symbol.notReceived, Int16(exactly: delta) != nil else {
                continue
            }
            symbols[offset] = (0...255).contains(delta) ? Symbol.smallDelta : Symbol.largeDelta
            deltas.append(delta)
            ticks = arrival.ticks
        }
        Self.writeChunks(symbols, to: &buffer)
        for delta in deltas {
            if (0...255).contains(delta) {
                buffer.append(UInt8(delta))
            } else {
                buffer.append(uint16: UInt16(bitPattern: Int16(delta)))
            }
        }
    }

    /// Run-length chunks for runs that a vector of 7 would not hold, else vectors of one or two bits (§3.1.2 to
    /// §3.1.4).
    private static func writeChunks(_ symbols: [UInt16], to buffer: inout [UInt8]) {
        var index = 0
        while index < symbols.count {
            let run = symbols[index...].prefix { $0 == symbols[index] }.count
            let vector = symbols[index...].prefix(14)
            if run >= 14 || run >= min(7, symbols.count - index) && vector.contains(Symbol.largeDelta) {
                let length = min(run, 0x1FFF)
                buffer.append(uint16: symbols[index] << 13 | UInt16(length))
                index += length
            } else if !vector.contains(Symbol.largeDelta) {
                var chunk: UInt16 = 0x8000
                for (position, symbol) in vector.enumerated() { chunk |= symbol << (13 - position) }
                buffer.append(uint16: chunk)
                index += vector.count
            } else {
                var chunk: UInt16 = 0xC000
                for (position, symbol) in vector.prefix(7).enumerated() { chunk |= symbol << (12 - 2 * position) }
                buffer.append(uint16: chunk)
                index += min(vector.count, 7)
            }
        }
    }
}
