import RTP
import Testing
import Wire

@testable import Gateway

/// Sound from a file (RFC 7845).
@Suite struct OpusFileTests {
    /// What the writer makes of `packets`, each 20 ms of CELT.
    private func file(_ packets: [[UInt8]]) -> [UInt8] {
        var stream = OggOpusStream(serialNumber: 7)
        var bytes = stream.header()
        for (number, packet) in packets.enumerated() {
            bytes += stream.append(packet, timestamp: .init(UInt32(number * 960)))
        }
        return bytes + stream.finish()
    }

    private func packet(_ length: Int) -> [UInt8] { [0xF8] + [UInt8](repeating: 5, count: length - 1) }

    @Test func `The packets of a file are those that were written, whatever their lengths`() throws {
        let lengths = [2, 80, 254, 255, 256, 510, 511, 1275] + (0..<120).map { 3 + $0 * 7 }
        let packets = lengths.map(packet)
        let read = try OpusFile(file(packets), name: "a.opus")
        #expect(read.packets.map(\.bytes) == packets)
        #expect(read.packets.allSatisfy { $0.duration == .milliseconds(20) })
    }

    @Test func `A file that ends in mid-page gives what came before`() throws {
        let whole = file((0..<200).map { packet(100 + $0 % 50) })
        let read = try OpusFile(Array(whole.dropLast(40)), name: "a.opus")
        #expect((150..<200).contains(read.packets.count))
    }

    @Test func `What is no Ogg file of Opus is an error that names the file`() {
        for bytes in [[], Array("RIFF".utf8), Array(file([]).prefix(60)), [UInt8](repeating: 0, count: 1000)] {
            #expect {
                try OpusFile(bytes, name: "door.opus")
            } throws: {
                "\($0)".contains("door.opus")
            }
        }
        #expect(throws: SoundFileError.self) { try OpusFile(path: "/nowhere/door.opus") }
    }
}
