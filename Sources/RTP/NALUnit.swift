/// The first byte of a NAL unit (H.264 §7.3.1, RFC 6184 §1.3).
///
/// ```
/// |F|NRI|  type   |
/// ```
struct NALUnitHeader: Hashable, Sendable {
    let byte: UInt8

    /// The low five bits.
    var type: UInt8 { byte & 0x1F }

    // H.264 table 7-1.
    static let slices: ClosedRange<UInt8> = 1...5
    static let idrSlice: UInt8 = 5
    static let sequenceParameterSet: UInt8 = 7
    // RFC 6184 table 1.
    static let stapA: UInt8 = 24
    static let fuA: UInt8 = 28
    /// What an encoder may put out; RFC 6184 keeps 0 and 24 to 31 for itself.
    static let singleUnit: ClosedRange<UInt8> = 1...23
}
