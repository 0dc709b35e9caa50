import Glibc
import RTP
import Wire

/// Why a file gives no sound.
struct SoundFileError: Error, CustomStringConvertible {
    let description: String
}

/// The packets of an Ogg file of Opus (RFC 3533, RFC 7845), all of them in memory.
///
/// The file is the owner's own; what is damaged in it is left out. Checksums are not looked at: nothing on the way has
/// touched it, and a decoder takes any packet.
struct OpusFile {
    /// One packet.
    struct Packet: Equatable {
        let bytes: [UInt8]
        let duration: Duration
    }

    /// Minutes of sound, and far less than a board has of memory.
    private static let limit = 16 << 20

    let packets: [Packet]

    /// Reads the file at `path`.
    init(path: String) throws(SoundFileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SoundFileError(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(descriptor, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
            guard bytes.count <= Self.limit else {
                throw SoundFileError(description: "\(path): more than \(Self.limit >> 20) MB")
            }
        }
        try self.init(bytes, name: path)
    }

    /// Takes the packets out of the pages `bytes`; `name` is for the error.
    init(_ bytes: [UInt8], name: String) throws(SoundFileError) {
        var packets: [Packet] = []
        var isOpus = false
        for packet in Self.packets(of: bytes) {
            if packet.starts(with: "OpusHead".utf8) { isOpus = true }
            // RFC 7845 §5: the headers' names begin with what no packet of sound can be told from but by them
            if packet.starts(with: "OpusHead".utf8) || packet.starts(with: "OpusTags".utf8) { continue }
            guard let samples = OpusPacket.sampleCount(packet) else { continue }
            packets.append(Packet(bytes: packet, duration: .nanoseconds(Int64(samples) * 1_000_000_000 / 48_000)))
        }
        guard isOpus, !packets.isEmpty else { throw SoundFileError(description: "\(name): no Ogg file of Opus") }
        self.packets = packets
    }

    /// RFC 3533 §6: behind a header of 27 bytes a page has a table of segments; a packet ends with the first that is
    /// shorter than 255 bytes.
    private static func packets(of bytes: [UInt8]) -> [[UInt8]] {
        var reader = ByteReader(bytes[...])
        var packets: [[UInt8]] = []
        var packet: [UInt8] = []
        do throws(ByteReader.Truncated) {
            while true {
                guard try Array(reader.slice(4)) == Array("OggS".utf8) else { break }
                _ = try reader.slice(22)
                for segment in try reader.slice(Int(reader.uint8())) {
                    packet += try reader.slice(Int(segment))
                    guard segment < 255 else { continue }
                    packets.append(packet)
                    packet = []
                }
            }
        } catch {
            // the end of the file, in the middle of a page or not
        }
        return packets
    }
}
