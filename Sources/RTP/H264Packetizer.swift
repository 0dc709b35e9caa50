import Wire

/// Cuts access units into payloads for packetization-mode 1 (RFC 6184 §6.3): single NAL units, aggregations of small
/// ones, fragments of large ones.
public struct H264Packetizer: Sendable {
    /// H.264's RTP clock is 90 kHz (RFC 6184 §8.2.1).
    public static let clockRate = 90_000

    /// The largest payload in bytes.
    public let maximumPayloadSize: Int

    /// A packetizer for payloads of at most `maximumPayloadSize` bytes; at least 64.
    public init(maximumPayloadSize: Int) {
        precondition((64...65_507).contains(maximumPayloadSize), "a payload holds a fragment and fits a datagram")
        self.maximumPayloadSize = maximumPayloadSize
    }

    /// The payloads of one access unit, or of a part of one, whose NAL units (header byte included, no start codes) lie at `nalUnits` in
    /// `bytes`.
    ///
    /// Empty units and those of types that RFC 6184 keeps for itself (0, 24 to 31) are left out.
    public func packetize(
        bytes: [UInt8], nalUnits: [Range<Int>], captured: Instant, isKeyFrame: Bool, isFirst: Bool = true,
        isLast: Bool = true
    ) -> PacketizedFrame {
        let units = nalUnits.filter { range in
            !range.isEmpty && NALUnitHeader.singleUnit.contains(NALUnitHeader(byte: bytes[range.lowerBound]).type)
        }
        let total = units.reduce(0) { $0 + $1.count }
        var storage: [UInt8] = []
        var payloads: [Range<Int>] = []
        storage.reserveCapacity(total + 3 * units.count + 2 * (total / maximumPayloadSize + 1))
        payloads.reserveCapacity(units.count + total / (maximumPayloadSize - 2))
        var index = 0
        while index < units.count {
            let together = aggregation(units[index...])
            let start = storage.count
            if together > 1 {
                writeAggregation(bytes, units[index..<(index + together)], to: &storage)
                payloads.append(start..<storage.count)
                index += together
            } else if units[index].count <= maximumPayloadSize {
                storage.append(contentsOf: bytes[units[index]])
                payloads.append(start..<storage.count)
                index += 1
            } else {
                writeFragments(bytes, units[index], to: &storage, &payloads)
                index += 1
            }
        }
        return PacketizedFrame(
            storage: storage, payloads: payloads, markedPayload: isLast ? payloads.indices.last : nil,
            timestamp: RTPTimestamp(captured, clockRate: Self.clockRate), captured: captured, isKeyFrame: isKeyFrame,
            isFirst: isFirst, isLast: isLast)
    }

    /// How many of the first `units` fit into one STAP-A; less than two mean that it is not worth one.
    private func aggregation(_ units: ArraySlice<Range<Int>>) -> Int {
        var size = 1
        var count = 0
        for unit in units {
            size += 2 + unit.count
            guard size <= maximumPayloadSize else { break }
            count += 1
        }
        return count
    }

    // RFC 6184 §5.7.1: a header byte, then each unit behind its length in 16 bits. "The value of NRI MUST be the
    // maximum of all the NAL units carried", F the OR of theirs.
    private func writeAggregation(_ bytes: [UInt8], _ units: ArraySlice<Range<Int>>, to storage: inout [UInt8]) {
        var forbidden: UInt8 = 0
        var importance: UInt8 = 0
        for unit in units {
            forbidden |= bytes[unit.lowerBound] & 0x80
            importance = max(importance, bytes[unit.lowerBound] & 0x60)
        }
        storage.append(forbidden | importance | NALUnitHeader.stapA)
        for unit in units {
            storage.append(uint16: UInt16(unit.count))
            storage.append(contentsOf: bytes[unit])
        }
    }

    // RFC 6184 §5.8: F and NRI of the unit with type 28, then
    //
    // |S|E|R|  type   |
    //
    // and the unit without its header byte, in fragments of equal size to within a byte: one small last packet would
    // cost as much header as the others.
    private func writeFragments(
        _ bytes: [UInt8], _ unit: Range<Int>, to storage: inout [UInt8], _ payloads: inout [Range<Int>]
    ) {
        let header = bytes[unit.lowerBound]
        let indicator = header & 0xE0 | NALUnitHeader.fuA
        let count = unit.count - 1
        let fragments = (count + maximumPayloadSize - 3) / (maximumPayloadSize - 2)
        var position = unit.lowerBound + 1
        for index in 0..<fragments {
            let length = count / fragments + (index < count % fragments ? 1 : 0)
            let start = storage.count
            storage.append(indicator)
            let flags: UInt8 = (index == 0 ? 0x80 : 0) | (index == fragments - 1 ? 0x40 : 0)
            storage.append(flags | header & 0x1F)
            storage.append(contentsOf: bytes[position..<(position + length)])
            payloads.append(start..<storage.count)
            position += length
        }
    }
}
