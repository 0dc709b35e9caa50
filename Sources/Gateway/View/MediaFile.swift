import Glibc
import RTP

/// A file that a stream is saved to while it comes.
package final class MediaFile {
    /// Why it could not be written.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let path: String
    private(set) var bytesWritten = 0
    private let descriptor: Int32

    /// Makes the file, or empties the one that is there.
    package init(path: String) throws(Failure) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
    }

    deinit {
        close(descriptor)
    }

    package func write(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, Array(rest), rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
            bytesWritten += count
            rest = rest.dropFirst(count)
        }
    }
}

extension H264Depacketizer.Frame {
    /// The access unit as a byte stream (H.264 Annex B): each unit behind a start code of four bytes.
    package var byteStream: [UInt8] {
        var stream: [UInt8] = []
        stream.reserveCapacity(bytes.count + 4 * nalUnits.count)
        for unit in nalUnits {
            stream += [0, 0, 0, 1]
            stream += bytes[unit]
        }
        return stream
    }
}
