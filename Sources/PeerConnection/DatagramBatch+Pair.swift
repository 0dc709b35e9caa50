import ICE
import Wire

extension DatagramBatch {
    /// Appends the datagram that `write` adds to the end of the buffer, to go by `pair`; on a TCP connection behind its
    /// length (RFC 4571 §2). There is none when `write` adds nothing, or throws.
    ///
    /// ```
    ///     0                   1
    ///     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
    ///    +-------------------------------+----------------- - -
    ///    |             LENGTH            |  STUN, DTLS, SRTP …
    ///    +-------------------------------+----------------- - -
    /// ```
    mutating func append<Failure: Error>(
        by pair: ICECandidatePair, _ write: (inout [UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        guard let stream = pair.stream else {
            return try append(from: pair.localAddress, to: pair.remoteAddress, write)
        }
        try append(from: pair.localAddress, to: pair.remoteAddress, on: stream) { (buffer) throws(Failure) in
            let start = buffer.count
            buffer.append(uint16: 0)
            try write(&buffer)
            let length = buffer.count - start - 2
            precondition(length <= UInt16.max, "a datagram is no longer than UDP could carry it")
            guard length > 0 else { return buffer.removeLast(2) }
            buffer.set(uint16: UInt16(length), at: start)
        }
    }
}
