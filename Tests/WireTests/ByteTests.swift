import Testing
import Wire

@Suite struct ByteTests {
    @Test func `integers are read most significant byte first`() throws {
        var reader = ByteReader(
            [1, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xDE, 0xAD, 0xBE, 0xEF] + [0x80, 0, 0, 0, 0, 0, 0, 1])
        #expect(try reader.uint8() == 1)
        #expect(try reader.uint16() == 0x2345)
        #expect(try reader.uint24() == 0x6789AB)
        #expect(try reader.uint32() == 0xDEAD_BEEF)
        #expect(try reader.uint64() == 0x8000_0000_0000_0001)
        #expect(reader.isAtEnd)
        #expect(reader.rest().isEmpty)
    }

    @Test func `a read past the end fails and takes nothing`() throws {
        for count in 0..<8 {
            var reader = ByteReader([UInt8](repeating: 7, count: count))
            #expect(throws: ByteReader.Truncated.self) { try reader.uint64() }
            if count < 4 { #expect(throws: ByteReader.Truncated.self) { try reader.uint32() } }
            if count < 3 { #expect(throws: ByteReader.Truncated.self) { try reader.uint24() } }
            if count < 2 { #expect(throws: ByteReader.Truncated.self) { try reader.uint16() } }
            if count < 1 { #expect(throws: ByteReader.Truncated.self) { try reader.uint8() } }
            #expect(throws: ByteReader.Truncated.self) { try reader.slice(count + 1) }
            #expect(throws: ByteReader.Truncated.self) { try reader.skip(count + 1) }
            #expect(throws: ByteReader.Truncated.self) { try reader.slice(.max) }
            #expect(throws: ByteReader.Truncated.self) { try reader.skip(.max) }
            #expect(throws: ByteReader.Truncated.self) { try reader.slice(-1) }
            #expect(throws: ByteReader.Truncated.self) { try reader.skip(-1) }
            #expect(reader.remaining == count)
        }
    }

    @Test func `a slice is read within its own bounds and keeps its indices`() throws {
        let bytes: [UInt8] = [9, 9, 1, 2, 3, 9]
        var reader = ByteReader(bytes[2..<5])
        #expect(reader.position == 2)
        try reader.skip(1)
        let slice = try reader.slice(1)
        #expect(slice.indices == 3..<4)
        #expect(slice == [2])
        #expect(reader.rest() == [3])
        #expect(throws: ByteReader.Truncated.self) { try reader.uint8() }
    }

    @Test func `what is appended is read back`() throws {
        let random = SeededRandomSource(seed: 1)
        for _ in 0..<200 {
            let numbers = (random.uint16(), random.uint32() & 0xFF_FFFF, random.uint32(), random.next())
            var bytes: [UInt8] = []
            bytes.append(uint16: numbers.0)
            bytes.append(uint24: numbers.1)
            bytes.append(uint32: numbers.2)
            bytes.append(uint64: numbers.3)
            #expect(bytes.count == 17)
            var reader = ByteReader(bytes)
            #expect(try reader.uint16() == numbers.0)
            #expect(try reader.uint24() == numbers.1)
            #expect(try reader.uint32() == numbers.2)
            #expect(try reader.uint64() == numbers.3)
        }
    }

    @Test func `three bytes are the low ones of a number that has four`() {
        var bytes: [UInt8] = []
        bytes.append(uint24: 0xFF12_3456)
        #expect(bytes == [0x12, 0x34, 0x56])
    }

    @Test func `a length known late is set in its place`() {
        var bytes = [UInt8](repeating: 0xAA, count: 8)
        bytes.set(uint16: 0x0102, at: 1)
        bytes.set(uint32: 0x0304_0506, at: 4)
        #expect(bytes == [0xAA, 1, 2, 0xAA, 3, 4, 5, 6])
    }
}
