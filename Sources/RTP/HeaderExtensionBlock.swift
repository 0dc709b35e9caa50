import Wire

/// The header extension that a stream's last packet had. The next one's differs from it in its time and number alone, as
/// a rule: it is copied, and those two are set, in place of being put together anew for every packet.
struct HeaderExtensionBlock: Sendable {
    private var bytes: [UInt8] = []
    private var values = HeaderExtensionValues()
    private var map = HeaderExtensionMap()
    /// Where in `bytes` the time and the number are; nil for none.
    private var time: Int?
    private var number: Int?

    /// Appends the block of `extensions`, as `HeaderExtensionValues` writes it. Returns whether there is one.
    mutating func write(_ extensions: HeaderExtensionValues, map: HeaderExtensionMap, to buffer: inout [UInt8]) -> Bool
    {
        if !isLike(extensions, map) { rebuild(extensions, map) }
        guard !bytes.isEmpty else { return false }
        let start = buffer.count
        buffer.append(contentsOf: bytes)
        if let time, let value = extensions.absoluteSendTime {
            buffer.set(uint24: value.rawValue, at: start + time)
        }
        if let number, let value = extensions.transportSequenceNumber {
            buffer.set(uint16: value, at: start + number)
        }
        return true
    }

    private func isLike(_ other: HeaderExtensionValues, _ map: HeaderExtensionMap) -> Bool {
        (values.absoluteSendTime == nil) == (other.absoluteSendTime == nil)
            && (values.transportSequenceNumber == nil) == (other.transportSequenceNumber == nil)
            && values.audioLevel == other.audioLevel && values.playoutDelay == other.playoutDelay
            && self.map == map && values.mid == other.mid
    }

    private mutating func rebuild(_ extensions: HeaderExtensionValues, _ map: HeaderExtensionMap) {
        (values, self.map) = (extensions, map)
        bytes = []
        (time, number) = (nil, nil)
        guard extensions.write(to: &bytes, map: map) else { return }
        // where they are is asked of the block itself, for there is one place that knows how it is laid out
        time = offset(of: .absoluteSendTime)
        number = offset(of: .transportSequenceNumber)
    }

    private func offset(of kind: HeaderExtension) -> Int? {
        guard let identifier = map[kind] else { return nil }
        let profile = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        let elements = HeaderExtensionElements(profile: profile, bytes: bytes[4...])
        return elements.first { $0.identifier == identifier }?.bytes.startIndex
    }
}
