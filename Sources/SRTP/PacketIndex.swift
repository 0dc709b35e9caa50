/// The packet index of SRTP: the rollover counter and the sequence number, 48 bits (RFC 3711 §3.3.1).
enum PacketIndex {
    /// The first index that does not exist.
    static let end: UInt64 = 1 << 48

    /// The likely index of the packet with `sequenceNumber` when `highest` is the highest index so far
    /// (RFC 3711 appendix A): the rollover counter before, of, or after `highest`, whichever lies nearest.
    static func estimate(_ sequenceNumber: UInt16, highest: UInt64?) -> UInt64 {
        let sequence = UInt64(sequenceNumber)
        guard let highest else { return sequence }
        let rollover = highest >> 16
        let last = highest & 0xFFFF
        if last < 32768 {
            // There is nothing before rollover counter 0, so such a packet can only lie ahead.
            return sequence > last + 32768 && rollover > 0 ? (rollover - 1) << 16 | sequence : rollover << 16 | sequence
        }
        return last - 32768 > sequence ? (rollover + 1) << 16 | sequence : rollover << 16 | sequence
    }
}

/// Which of the last packets have been seen (RFC 3711 §3.3.2), as a ring of bits (RFC 6479): the window moves by
/// clearing words, never by shifting.
struct ReplayWindow {
    private static let words = 16
    /// How far behind the newest packet another may be: 960, as many as a burst of video that a network holds up.
    static let size = UInt64((words - 1) * 64)

    /// The highest index seen; nil before the first packet.
    private(set) var highest: UInt64?
    private var bits = InlineArray<16, UInt64>(repeating: 0)

    /// What is wrong with the packet `index`; nil if it is a new one.
    func objection(to index: UInt64) -> SRTPError? {
        guard let highest, index <= highest else { return nil }
        if highest - index >= Self.size { return .tooOld }
        return bits[Self.word(index)] & Self.bit(index) == 0 ? nil : .replayed
    }

    /// Takes note of the packet `index`, to which there must be no objection.
    mutating func insert(_ index: UInt64) {
        if let highest {
            if index > highest {
                let steps = min(index >> 6 - highest >> 6, UInt64(Self.words))
                for step in 0..<steps { bits[Self.word((highest >> 6 + 1 + step) << 6)] = 0 }
                self.highest = index
            }
        } else {
            highest = index
        }
        bits[Self.word(index)] |= Self.bit(index)
    }

    private static func word(_ index: UInt64) -> Int { Int(index >> 6) % words }
    private static func bit(_ index: UInt64) -> UInt64 { 1 << (index & 63) }
}

/// The states of the sources of one direction, by SSRC: so few that a scan beats a hash.
struct SourceTable<State> {
    /// More sources than any browser makes in one connection: what bounds the memory that a peer can take up. Our own
    /// are not held to it.
    static var capacity: Int { 64 }

    private var ssrcs: [UInt32] = []
    private var states: [State] = []

    /// Where the state of `ssrc` is; nil for a source not seen before.
    func position(of ssrc: UInt32) -> Int? { ssrcs.firstIndex(of: ssrc) }

    /// Whether a peer has as many sources as it may.
    var isFull: Bool { ssrcs.count >= Self.capacity }

    subscript(position: Int) -> State {
        get { states[position] }
        _modify { yield &states[position] }
    }

    /// Takes in a new source.
    mutating func append(_ ssrc: UInt32, _ state: State) {
        ssrcs.append(ssrc)
        states.append(state)
    }
}
