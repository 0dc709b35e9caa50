import Wire

/// Reads access units out of a byte stream of H.264 (annex B), whatever pieces it comes in, in the form in which they
/// go to viewers: what browsers have no use for (SEI, access unit delimiters, filler data) is left out, and every key
/// frame carries its parameter sets, so that a viewer can start at any.
///
/// ```
/// bytes ─► start codes ─► NAL units ─┬─ parameter sets: kept, and written before each IDR picture
///                                    └─ slices: a first macroblock 0 begins the next picture
/// ```
///
/// What is damaged is passed over and counted; what is sound but of no use to browsers is an error.
public struct AnnexBReader: Sendable {
    /// One picture: an access unit that was captured at no known time.
    public struct Picture: Sendable {
        /// The NAL units' bytes, back to back.
        public fileprivate(set) var bytes: [UInt8] = []
        /// Where each NAL unit lies in `bytes`, header byte included.
        public fileprivate(set) var nalUnits: [Range<Int>] = []
        /// Whether it is an IDR picture, with its parameter sets.
        public fileprivate(set) var isKeyFrame = false

        /// The access unit, captured at `captured`.
        public func accessUnit(captured: Instant) -> AccessUnit {
            AccessUnit(bytes: bytes, nalUnits: nalUnits, isKeyFrame: isKeyFrame, captured: captured)
        }

        fileprivate mutating func append(_ unit: some Collection<UInt8>) {
            let start = bytes.count
            bytes.append(contentsOf: unit)
            nalUnits.append(start..<bytes.count)
        }
    }

    /// What the pictures are; nil until a key frame has come. A stream may change it at any key frame.
    public private(set) var format: H264Format?
    /// NAL units that were passed over: damaged, or without the parameter sets that they name.
    public private(set) var discarded = 0

    private var splitter = AnnexBSplitter()
    private var sets = ParameterSets()
    /// The picture that is being put together; it has no slice yet while there are only parameter sets.
    private var picture = Picture()
    private var hasSlice = false
    private var hasStarted = false

    // H.264 table 7-1.
    private static let slice: UInt8 = 1
    private static let idrSlice: UInt8 = 5
    private static let sequenceParameterSet: UInt8 = 7
    private static let pictureParameterSet: UInt8 = 8
    /// H.264 §7.4.1.2.3: what comes only before the slices of a picture.
    private static let beginners: Set<UInt8> = [6, 7, 8, 9, 14, 15, 16, 17, 18]
    /// Parameter sets before one picture in bytes; what repeats them without end has no picture.
    private static let longestPreamble = 1 << 16

    /// A reader that has read nothing.
    public init() {}

    /// Takes the next bytes of the stream.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        splitter.append(bytes)
    }

    /// The next whole picture, from the first key frame on; nil where more bytes are needed.
    public mutating func nextPicture() throws(H264StreamError) -> Picture? {
        while let unit = try splitter.nextUnit() {
            if let finished = try take(unit) { return finished }
        }
        return nil
    }

    /// The next whole picture, where the last is whole at the end of the bytes given so far; nil where there is none
    /// left. The next bytes begin with a start code.
    ///
    /// A camera's buffers each end with a picture, so that nobody need wait for the next one to know.
    public mutating func finish() throws(H264StreamError) -> Picture? {
        if let picture = try nextPicture() { return picture }
        if let unit = splitter.finish(), let finished = try take(unit) { return finished }
        return hasSlice ? flush() : nil
    }

    /// Forgets all but the parameter sets: what is appended next begins anew, and so do the pictures, at a key frame.
    public mutating func restart() {
        splitter.restart()
        picture = Picture()
        hasSlice = false
        hasStarted = false
    }

    /// Takes one NAL unit; returns the picture that ends before it.
    private mutating func take(_ unit: ArraySlice<UInt8>) throws(H264StreamError) -> Picture? {
        guard let header = unit.first, header & 0x80 == 0 else {
            discarded += 1
            return nil
        }
        let type = header & 0x1F
        let finished = hasSlice && Self.beginners.contains(type) ? flush() : nil
        switch type {
        case Self.slice, Self.idrSlice: return try take(slice: unit, isIDR: type == Self.idrSlice) ?? finished
        case Self.sequenceParameterSet, Self.pictureParameterSet:
            let isTaken =
                type == Self.sequenceParameterSet ? try sets.take(sequence: unit) : sets.take(picture: unit)
            if isTaken, picture.bytes.count < Self.longestPreamble { picture.append(unit) } else { discarded += 1 }
        default: break
        }
        return finished
    }

    private mutating func take(slice unit: ArraySlice<UInt8>, isIDR: Bool) throws(H264StreamError) -> Picture? {
        var bits = ParameterBits(unit, limit: 16)
        // slice_header(): first_mb_in_slice, slice_type, pic_parameter_set_id
        guard let first = bits.exponential(), let kind = bits.exponential(), kind < 10,
            let setID = bits.exponential(), let found = sets.format(ofPictureSet: setID)
        else {
            discarded += 1
            return nil
        }
        guard kind % 5 != 1 else { throw .bidirectional }
        // An IDR picture has IDR slices alone (§7.4.1.2.4).
        let isNext = first == 0 || picture.isKeyFrame != isIDR || picture.bytes.count > AnnexBSplitter.largestUnit
        let finished = hasSlice && isNext ? flush() : nil
        if !hasSlice {
            hasSlice = true
            picture.isKeyFrame = isIDR
            if isIDR {
                format = found
                hasStarted = true
                // The sets in the picture are among those that are kept, and a picture set must follow its sequence
                // set.
                picture = Picture()
                picture.isKeyFrame = true
                for set in sets.all { picture.append(set) }
            }
        }
        picture.append(unit)
        return finished
    }

    /// The picture that was put together; nil before the first key frame.
    private mutating func flush() -> Picture? {
        defer {
            picture = Picture()
            hasSlice = false
        }
        return hasStarted ? picture : nil
    }
}

/// The parameter sets of a stream, as they came last.
private struct ParameterSets: Sendable {
    private var sequences: [UInt32: (bytes: [UInt8], format: H264Format)] = [:]
    private var pictures: [UInt32: (bytes: [UInt8], sequence: UInt32)] = [:]
    /// Every set, in the order in which they refer to each other.
    private(set) var all: [[UInt8]] = []

    /// A set with every scaling list is shorter.
    private static let longest = 1024

    /// Takes a sequence parameter set; false where it is damaged.
    mutating func take(sequence unit: ArraySlice<UInt8>) throws(H264StreamError) -> Bool {
        guard unit.count <= Self.longest, let (id, format) = try H264Format.parse(unit) else { return false }
        guard sequences[id].map({ $0.bytes[...] != unit }) ?? true else { return true }
        sequences[id] = (Array(unit), format)
        order()
        return true
    }

    /// Takes a picture parameter set; false where it is damaged.
    mutating func take(picture unit: ArraySlice<UInt8>) -> Bool {
        var bits = ParameterBits(unit, limit: 16)
        guard unit.count <= Self.longest, let id = bits.exponential(), id < 256, let sequence = bits.exponential(),
            sequence < 32
        else { return false }
        guard pictures[id].map({ $0.bytes[...] != unit }) ?? true else { return true }
        pictures[id] = (Array(unit), sequence)
        order()
        return true
    }

    /// What a picture is whose slices name the picture parameter set `id`; nil where a set is missing.
    func format(ofPictureSet id: UInt32) -> H264Format? {
        pictures[id].flatMap { sequences[$0.sequence]?.format }
    }

    private mutating func order() {
        all = sequences.sorted { $0.key < $1.key }.map(\.value.bytes)
        all += pictures.filter { sequences[$0.value.sequence] != nil }.sorted { $0.key < $1.key }.map(\.value.bytes)
    }
}
