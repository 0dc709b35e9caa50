import Wire

/// Puts access units together again from payloads in the order of their sequence numbers (RFC 6184, packetization-mode
/// 1).
///
/// Give it packets in order, as `PacketReorderer` hands them out. A gap or a malformed payload spoils the frame it is
/// in; from there on nothing comes out until a key frame, for what refers to a spoiled picture is spoiled too, unless
/// `acceptAnyFrame()` says that the decoder copes.
public struct H264Depacketizer: Sendable {
    /// One access unit.
    public struct Frame: Hashable, Sendable {
        /// The NAL units' bytes, back to back.
        public let bytes: [UInt8]
        /// Where each NAL unit lies in `bytes`, header byte included.
        public let nalUnits: [Range<Int>]
        /// The packets' timestamp.
        public let timestamp: RTPTimestamp
        /// Whether it holds an IDR picture.
        public let isKeyFrame: Bool
    }

    /// What comes out.
    public enum Output: Hashable, Sendable {
        /// A whole access unit.
        case frame(Frame)
        /// The frame at this timestamp is spoiled and was dropped; a key frame is needed, unless the decoder copes.
        case frameLost(RTPTimestamp)
        /// A whole frame was dropped, because a key frame is awaited.
        case frameSkipped(RTPTimestamp)
        /// A payload was malformed, which spoils its frame.
        case discarded(DiscardReason)
    }

    /// Why a payload was discarded.
    public enum DiscardReason: Hashable, Sendable {
        /// It has no bytes, or its units are longer than it is.
        case truncated
        /// A type that packetization-mode 1 does not allow (§6.3, table 3).
        case unsupportedType(UInt8)
        /// A fragment without its start, a start within a unit, a unit within fragments, or both flags set (§5.8).
        case unexpectedFragment
        /// The frame grew beyond `maximumFrameSize` or 1024 units.
        case tooLarge
    }

    /// The largest access unit put together, in bytes.
    public let maximumFrameSize: Int
    /// Whether frames are skipped until a key frame comes.
    public private(set) var awaitsKeyFrame = true

    private static let maximumUnits = 1024
    private var bytes: [UInt8] = []
    private var units: [Range<Int>] = []
    private var hasKeyFrame = false
    /// Where the unit in fragments starts.
    private var fragmentStart: Int?
    private var isSpoiled = false
    /// Whether the frame under way is the first, of which packets may have been before the first that came.
    private var isFirst = true
    private var timestamp: RTPTimestamp?
    private var lastSequence: Int64?
    private var outputs: [Output] = []

    /// A depacketizer that awaits a key frame.
    public init(maximumFrameSize: Int = 4 << 20) {
        self.maximumFrameSize = maximumFrameSize
    }

    /// Lets frames out that may refer to lost ones, until the next loss.
    public mutating func acceptAnyFrame() {
        awaitsKeyFrame = false
    }

    /// Forgets what is under way: the stream began anew, with a key frame to be awaited.
    public mutating func restart() {
        let (limit, waiting) = (maximumFrameSize, outputs)
        self = H264Depacketizer(maximumFrameSize: limit)
        outputs = waiting
    }

    /// Takes the next packet; `sequence` is its unwrapped number. One that is not after the last is ignored.
    public mutating func handle(_ packet: RTPPacket, sequence: Int64) {
        if let lastSequence {
            guard sequence > lastSequence else { return }
            if sequence != lastSequence + 1 { noteGap(before: packet) }
        }
        lastSequence = sequence
        if packet.header.timestamp != timestamp {
            // The marker was lost with its packet, or the sender sets none (§5.1 lets a receiver not rely on it).
            finishFrame()
            timestamp = packet.header.timestamp
        }
        if !isSpoiled, !packet.payload.isEmpty, let reason = add(packet.payload) {
            outputs.append(.discarded(reason))
            isSpoiled = true
            fragmentStart = nil
        }
        if packet.header.marker { finishFrame() }
    }

    /// The next thing that came of it; drain after every `handle`.
    public mutating func nextOutput() -> Output? {
        outputs.isEmpty ? nil : outputs.removeFirst()
    }

    /// Packets are missing. They may have belonged to the frame under way, to that of the next packet, or have been
    /// whole frames between: only where the next packet begins a key frame is it sure that nothing of its frame is
    /// missing.
    private mutating func noteGap(before packet: RTPPacket) {
        if timestamp != nil {
            isSpoiled = true
            if packet.header.timestamp != timestamp { finishFrame() }
        }
        if timestamp == nil {
            timestamp = packet.header.timestamp
            isSpoiled = !Self.beginsKeyFrame(packet.payload)
        }
        awaitsKeyFrame = true
    }

    /// A sequence parameter set comes before all else of its access unit but a delimiter (H.264 §7.4.1.2.3).
    private static func beginsKeyFrame(_ payload: ArraySlice<UInt8>) -> Bool {
        guard let first = payload.first else { return false }
        let header = NALUnitHeader(byte: first)
        guard header.type == NALUnitHeader.stapA else { return header.type == NALUnitHeader.sequenceParameterSet }
        return payload.dropFirst(3).first.map { NALUnitHeader(byte: $0).type } == NALUnitHeader.sequenceParameterSet
    }

    /// Whether nothing shows that the frame's beginning is missing: parameter sets and the like come before the slices
    /// (H.264 §7.4.1.2.3), and the first of these has `first_mb_in_slice` 0, which is coded as a single 1 (§7.3.3, §9.1).
    private var hasBeginning: Bool {
        guard let unit = units.first, unit.count > 1,
            NALUnitHeader.slices.contains(NALUnitHeader(byte: bytes[unit.lowerBound]).type)
        else { return true }
        return bytes[unit.lowerBound + 1] & 0x80 != 0
    }

    private mutating func finishFrame() {
        defer {
            bytes = []
            units = []
            hasKeyFrame = false
            fragmentStart = nil
            isSpoiled = false
            timestamp = nil
        }
        guard let timestamp else { return }
        defer { isFirst = false }
        guard !isSpoiled, fragmentStart == nil, !isFirst || hasBeginning else {
            awaitsKeyFrame = true
            outputs.append(.frameLost(timestamp))
            return
        }
        guard !units.isEmpty else { return }
        guard !awaitsKeyFrame || hasKeyFrame else {
            outputs.append(.frameSkipped(timestamp))
            return
        }
        awaitsKeyFrame = false
        outputs.append(
            .frame(Frame(bytes: bytes, nalUnits: units, timestamp: timestamp, isKeyFrame: hasKeyFrame)))
    }

    private mutating func add(_ payload: ArraySlice<UInt8>) -> DiscardReason? {
        guard bytes.count + payload.count <= maximumFrameSize else { return .tooLarge }
        let type = NALUnitHeader(byte: payload[payload.startIndex]).type
        switch type {
        case NALUnitHeader.singleUnit:
            guard fragmentStart == nil else { return .unexpectedFragment }
            return addUnit(payload)
        case NALUnitHeader.stapA:
            guard fragmentStart == nil else { return .unexpectedFragment }
            return addAggregation(payload.dropFirst())
        case NALUnitHeader.fuA:
            return addFragment(payload)
        default:
            return .unsupportedType(type)
        }
    }

    private mutating func addUnit(_ unit: ArraySlice<UInt8>) -> DiscardReason? {
        guard units.count < Self.maximumUnits else { return .tooLarge }
        let start = bytes.count
        bytes.append(contentsOf: unit)
        finishUnit(from: start)
        return nil
    }

    private mutating func finishUnit(from start: Int) {
        units.append(start..<bytes.count)
        if NALUnitHeader(byte: bytes[start]).type == NALUnitHeader.idrSlice { hasKeyFrame = true }
    }

    private mutating func addAggregation(_ payload: ArraySlice<UInt8>) -> DiscardReason? {
        var reader = ByteReader(payload)
        guard !reader.isAtEnd else { return .truncated }
        while !reader.isAtEnd {
            guard let size = try? reader.uint16(), let unit = try? reader.slice(Int(size)), let header = unit.first
            else { return .truncated }
            // §5.7.1: an aggregation holds single units only.
            let type = NALUnitHeader(byte: header).type
            guard NALUnitHeader.singleUnit.contains(type) else { return .unsupportedType(type) }
            if let reason = addUnit(unit) { return reason }
        }
        return nil
    }

    private mutating func addFragment(_ payload: ArraySlice<UInt8>) -> DiscardReason? {
        var reader = ByteReader(payload)
        guard let indicator = try? reader.uint8(), let header = try? reader.uint8() else { return .truncated }
        let isStart = header & 0x80 != 0
        let isEnd = header & 0x40 != 0
        // "A fragmented NAL unit MUST NOT be transmitted in one FU".
        guard !(isStart && isEnd), isStart == (fragmentStart == nil) else { return .unexpectedFragment }
        let type = header & 0x1F
        guard NALUnitHeader.singleUnit.contains(type) else { return .unsupportedType(type) }
        if isStart {
            guard units.count < Self.maximumUnits else { return .tooLarge }
            fragmentStart = bytes.count
            bytes.append(indicator & 0xE0 | type)
        } else if let fragmentStart, bytes[fragmentStart] & 0x1F != type {
            return .unexpectedFragment
        }
        bytes.append(contentsOf: reader.rest())
        if isEnd, let start = fragmentStart {
            fragmentStart = nil
            finishUnit(from: start)
        }
        return nil
    }
}
