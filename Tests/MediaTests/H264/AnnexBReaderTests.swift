import Media
import Testing
import Wire

struct AnnexBReaderTests {
    private static let sets = NALUnitWriter.sequenceSet() + NALUnitWriter.pictureSet()
    private static let keyFrame = sets + NALUnitWriter.slice(isIDR: true)

    /// All pictures of `stream`, given in pieces of `size` bytes.
    private func read(
        _ stream: [UInt8], inPiecesOf size: Int = 1 << 20
    ) throws(H264StreamError) -> [AnnexBReader.Picture] {
        var reader = AnnexBReader()
        var pictures: [AnnexBReader.Picture] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            reader.append(stream[start..<min(start + size, stream.count)])
            while let picture = try reader.nextPicture() { pictures.append(picture) }
        }
        while let picture = try reader.finish() { pictures.append(picture) }
        return pictures
    }

    private func format(_ stream: [UInt8]) throws(H264StreamError) -> H264Format? {
        var reader = AnnexBReader()
        reader.append(stream)
        while try reader.nextPicture() != nil {}
        while try reader.finish() != nil {}
        return reader.format
    }

    private func units(_ picture: AnnexBReader.Picture) -> [[UInt8]] {
        picture.nalUnits.map { Array(picture.bytes[$0]) }
    }
    private func types(_ picture: AnnexBReader.Picture) -> [UInt8] { units(picture).map { $0[0] & 0x1F } }

    @Test(arguments: [1, 2, 3, 7, 1000, 1 << 20], [1, 3])
    func `what our encoder puts out is read back, whatever pieces it comes in`(size: Int, threads: Int) throws {
        let encoded = try EncodedStream.units(25, threads: threads)
        let pictures = try read(encoded.flatMap(\.bytes), inPiecesOf: size)
        #expect(pictures.count == encoded.count)
        for (picture, unit) in zip(pictures, encoded) {
            #expect(units(picture) == unit.nalUnits.map { Array(unit.bytes[$0]) })
            #expect(picture.isKeyFrame == unit.isKeyFrame)
        }
    }

    @Test func `the format is the stream's own`() throws {
        let stream = try EncodedStream.units(1)[0].bytes
        let format = try #require(try format(stream))
        #expect(format.size == EncodedStream.size)
        #expect(format.profileLevelID == "42e01f")
        #expect(format.description == "H.264 42e01f, 160x96")
        #expect(format.frameRate == 30)
    }

    @Test func `what browsers have no use for is left out`() throws {
        let delimiter: [UInt8] = [0, 0, 0, 1, 9, 0xF0]
        let message: [UInt8] = [0, 0, 1, 6, 5, 1, 0xFF, 0x80]
        let filler: [UInt8] = [0, 0, 1, 12, 0xFF, 0xFF, 0x80]
        let stream =
            delimiter + Self.sets + message + NALUnitWriter.slice(isIDR: true) + filler + delimiter + message
            + NALUnitWriter.slice() + filler
        let pictures = try read(stream)
        #expect(pictures.map(types) == [[7, 8, 5], [1]])
    }

    @Test func `key frames without parameter sets are given those that came before`() throws {
        let stream =
            Self.keyFrame + NALUnitWriter.slice() + NALUnitWriter.slice(isIDR: true)
            + NALUnitWriter.slice(isIDR: true, first: 5) + NALUnitWriter.slice()
        let pictures = try read(stream)
        #expect(pictures.map(types) == [[7, 8, 5], [1], [7, 8, 5, 5], [1]])
        #expect(units(pictures[2]).prefix(2) == units(pictures[0]).prefix(2))
        #expect(pictures.map(\.isKeyFrame) == [true, false, true, false])
    }

    @Test func `a parameter set that changes between key frames stays where it is`() throws {
        let pictures = try read(
            Self.keyFrame + NALUnitWriter.pictureSet(1) + NALUnitWriter.slice(set: 1) + NALUnitWriter.slice(isIDR: true)
        )
        #expect(pictures.map(types) == [[7, 8, 5], [8, 1], [7, 8, 8, 5]])
    }

    @Test func `the sets of a new format follow each other in the order in which they refer`() throws {
        let small = NALUnitWriter.sequenceSet(columns: 40, rows: 23, cropBottom: 4)
        var reader = AnnexBReader()
        reader.append(Self.keyFrame + NALUnitWriter.pictureSet() + small + NALUnitWriter.slice(isIDR: true))
        _ = try reader.nextPicture()
        #expect(reader.format?.size == VideoSize(width: 1280, height: 720))
        let second = try #require(try reader.finish())
        #expect(types(second) == [7, 8, 5])
        #expect(reader.format?.size == VideoSize(width: 640, height: 360))
    }

    @Test func `a picture in several slices is one picture, and a buffer's end ends it`() throws {
        var reader = AnnexBReader()
        reader.append(Self.keyFrame + NALUnitWriter.slice(isIDR: true, first: 40))
        #expect(try reader.nextPicture() == nil)
        #expect(try reader.finish().map(types) == [7, 8, 5, 5])
        #expect(try reader.finish() == nil)
        reader.append(NALUnitWriter.slice() + NALUnitWriter.slice(first: 40))
        #expect(try reader.nextPicture() == nil)
        #expect(try reader.finish().map(types) == [1, 1])
    }

    @Test func `parameter sets in a buffer of their own go with the picture after`() throws {
        var reader = AnnexBReader()
        reader.append(Self.sets)
        #expect(try reader.nextPicture() == nil)
        #expect(try reader.finish() == nil)
        reader.append(NALUnitWriter.slice(isIDR: true))
        #expect(try reader.nextPicture() == nil)
        #expect(try reader.finish().map(types) == [7, 8, 5])
    }

    @Test func `pictures before the first key frame are left out, and after a restart, too`() throws {
        var reader = AnnexBReader()
        reader.append(NALUnitWriter.slice() + Self.sets + NALUnitWriter.slice() + Self.keyFrame)
        #expect(try reader.nextPicture() == nil)
        #expect(try reader.finish()?.isKeyFrame == true)
        #expect(reader.discarded == 1)
        reader.restart()
        reader.append(NALUnitWriter.slice() + NALUnitWriter.slice(isIDR: true) + NALUnitWriter.slice())
        #expect(try reader.finish().map(types) == [7, 8, 5])
        #expect(try reader.finish().map(types) == [1])
        #expect(try reader.finish() == nil)
    }

    @Test(
        arguments: [
            (nil, nil), ((1, 60), 30), ((1001, 60_000), 29.97), ((1, 50), 25), ((1, 180_000), nil), ((0, 60), nil),
            ((1, 0), nil), ((1, 1), nil),
        ] as [((UInt32, UInt32)?, Double?)])
    func `the rate is the stream's, where it can be`(timing: (UInt32, UInt32)?, rate: Double?) throws {
        for orderType: UInt32 in 0...2 {
            let set = NALUnitWriter.sequenceSet(orderType: orderType, timing: timing)
            let found = try format(set + NALUnitWriter.pictureSet() + NALUnitWriter.slice(isIDR: true))
            #expect(found?.size == VideoSize(width: 1280, height: 720))
            #expect(found?.frameRate.map { ($0 * 100).rounded() / 100 } == rate)
        }
    }

    @Test(arguments: [(66, 0xC0, "42c01f"), (66, 0x00, "42001f"), (77, 0x40, "4d401f")] as [(UInt32, UInt32, String)])
    func `baseline and main are passed on`(profile: UInt32, constraints: UInt32, name: String) throws {
        let set = NALUnitWriter.sequenceSet(profile: profile, constraints: constraints)
        let found = try format(set + NALUnitWriter.pictureSet() + NALUnitWriter.slice(isIDR: true))
        #expect(found?.profileLevelID == name)
    }

    @Test(arguments: [(88, "extended profile"), (100, "high profile"), (122, "high 4:2:2"), (118, "profile 118")])
    func `other profiles are refused by name`(profile: UInt32, name: String) {
        let set = NALUnitWriter.sequenceSet(profile: profile)
        #expect(throws: H264StreamError.profile(UInt8(profile))) { try read(set + Self.keyFrame) }
        #expect(H264StreamError.profile(UInt8(profile)).description.contains(name))
    }

    @Test func `pictures out of order and half-pictures are refused`() {
        for kind: UInt32 in [1, 6] {
            #expect(throws: H264StreamError.bidirectional) { try read(Self.keyFrame + NALUnitWriter.slice(kind: kind)) }
        }
        #expect(throws: H264StreamError.interlaced) {
            try read(NALUnitWriter.sequenceSet(isProgressive: false) + Self.keyFrame)
        }
    }

    @Test func `what is no byte stream is refused at its first bytes`() throws {
        let mp4: [UInt8] = [0, 0, 0, 0x20] + Array("ftypisom".utf8)
        for bytes in [mp4, Array("hello".utf8), [0x47] + Self.keyFrame, [0, 0, 2]] {
            #expect(throws: H264StreamError.notAnnexB) { try read(bytes) }
            #expect(throws: H264StreamError.notAnnexB) { try read(bytes, inPiecesOf: 1) }
        }
        #expect(try read([]).isEmpty)
        #expect(try read([0, 0, 0, 0]).isEmpty)
        #expect(try read([0, 0, 0, 0, 0] + Self.keyFrame + [0, 0, 0]).count == 1)
    }

    @Test func `a NAL unit without end is refused before it fills the memory`() {
        var reader = AnnexBReader()
        reader.append([0, 0, 1, 0x65])
        let piece = [UInt8](repeating: 0xFF, count: 1 << 20)
        #expect(throws: H264StreamError.tooLarge(8 << 20)) {
            for _ in 0..<64 {
                reader.append(piece)
                _ = try reader.nextPicture()
            }
        }
    }

    @Test func `parameter sets and slices without end fill no memory`() throws {
        var reader = AnnexBReader()
        reader.append(Self.keyFrame)
        var most = 0
        func drain() throws {
            while let picture = try reader.nextPicture() { most = max(most, picture.bytes.count) }
        }
        for _ in 0..<2_000 {
            reader.append((0..<10).flatMap { _ in Self.sets })
            try drain()
        }
        let slice = NALUnitWriter.slice(first: 9) + [UInt8](repeating: 0xAA, count: 1 << 20)
        for _ in 0..<20 {
            reader.append(slice)
            try drain()
        }
        #expect((8 << 20..<11 << 20).contains(most))
    }

    @Test func `slices whose parameter sets are missing, damaged or of no picture are passed over and counted`() throws
    {
        var empty = NALUnitWriter(0x67)
        empty.unsigned(66, 8)
        for broken in [
            [0, 0, 1, 0x67], [0, 0, 1, 0xE7, 66], empty.bytes, NALUnitWriter.sequenceSet(columns: 2000, rows: 2000),
            NALUnitWriter.sequenceSet(rows: 1, cropBottom: 8), NALUnitWriter.sequenceSet(profile: 3),
        ] as [[UInt8]] {
            var reader = AnnexBReader()
            reader.append(broken + NALUnitWriter.pictureSet() + NALUnitWriter.slice(isIDR: true))
            #expect(try reader.nextPicture() == nil)
            #expect(try reader.finish() == nil)
            #expect(reader.discarded == 2)
            #expect(reader.format == nil)
        }
    }

    @Test func `damaged streams are read to their end, whatever the damage`() throws {
        let random = SeededRandomSource(seed: 14)
        let stream = try EncodedStream.units(12, group: 4).flatMap(\.bytes)
        for _ in 0..<400 {
            var damaged = stream
            for _ in 0..<1 + random.next() % 6 {
                let place = Int(random.next() % UInt64(damaged.count))
                switch random.next() % 4 {
                case 0: damaged[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: damaged.removeSubrange(place..<min(place + 9, damaged.count))
                case 2: damaged.replaceSubrange(place..<place, with: [0, 0, 1])
                default: damaged.removeSubrange(max(place, 1)...)
                }
            }
            guard let pictures = try? read(damaged, inPiecesOf: 100) else { continue }
            for picture in pictures {
                #expect(types(picture).allSatisfy { [1, 5, 7, 8].contains($0) })
                #expect(picture.isKeyFrame == types(picture).contains(5))
                if picture.isKeyFrame { #expect(types(picture).first == 7) }
            }
        }
    }

    @Test func `random bytes are no video`() {
        let random = SeededRandomSource(seed: 5)
        for _ in 0..<200 {
            let bytes = [0, 0, 1] + (0..<500).map { _ in UInt8(truncatingIfNeeded: random.next() % 5) }
            let pictures = (try? read(bytes)) ?? []
            #expect(pictures.isEmpty)
        }
    }
}
