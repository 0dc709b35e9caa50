/// Makes messages of fragments, and delivers those of a stream in order (RFC 9260 §6.5, §6.6, §6.9; RFC 8260 §2.2).
struct Reassembly: Sendable {
    private struct MessageKey: Hashable, Sendable {
        let stream: SCTPStreamIdentifier
        let isUnordered: Bool
        let number: UInt32
    }

    /// The ordered messages of a stream.
    private struct IncomingStream: Sendable {
        /// The number of the message that is next, unwrapped.
        var next: Int64 = 0
        var waiting: [Int64: SCTPMessage] = [:]
    }

    /// What a fragment or message that waits costs beyond its bytes.
    static let overhead = 128

    private let isInterleaved: Bool
    private let maximumMessageSize: Int
    private var fragments = FragmentRuns()
    private var interleaved: [MessageKey: FragmentRuns] = [:]
    private var streams: [SCTPStreamIdentifier: IncomingStream] = [:]
    /// Bytes of incomplete messages, and of those that wait for another.
    private(set) var bufferedBytes = 0

    init(isInterleaved: Bool, maximumMessageSize: Int) {
        self.isInterleaved = isInterleaved
        self.maximumMessageSize = maximumMessageSize
    }

    /// Takes a fragment that did not come before; appends what can be delivered to `messages`.
    mutating func insert(_ chunk: DataChunk, tsn: TSN, to messages: inout [SCTPMessage]) throws(SCTPError) {
        guard chunk.payload.count <= maximumMessageSize else { throw .outOfResource }
        if chunk.isBeginning, chunk.isEnding {
            deliver(chunk, [UInt8](chunk.payload), to: &messages)
            return
        }
        var chunk = chunk
        // a slice would hold the packet it came in
        chunk.payload = ArraySlice([UInt8](chunk.payload))
        bufferedBytes += chunk.payload.count + Self.overhead
        var complete: [DataChunk]?
        if isInterleaved {
            let key = MessageKey(
                stream: chunk.stream, isUnordered: chunk.isUnordered, number: chunk.messageNumber)
            var runs = interleaved.removeValue(forKey: key) ?? FragmentRuns()
            complete = try runs.insert(
                chunk, at: Int64(chunk.fragmentNumber), maximumBytes: maximumMessageSize)
            if complete != nil, !runs.isEmpty { throw .protocolViolation("fragments beyond a message's end") }
            if complete == nil { interleaved[key] = runs }
        } else {
            complete = try fragments.insert(chunk, at: tsn.unwrapped, maximumBytes: maximumMessageSize)
        }
        guard let complete else { return }
        var payload: [UInt8] = []
        payload.reserveCapacity(complete.reduce(0) { $0 + $1.payload.count })
        for fragment in complete { payload += fragment.payload }
        bufferedBytes -= payload.count + complete.count * Self.overhead
        deliver(complete[0], payload, to: &messages)
    }

    private mutating func deliver(_ first: DataChunk, _ payload: [UInt8], to messages: inout [SCTPMessage]) {
        let message = SCTPMessage(
            stream: first.stream, payloadProtocol: first.payloadProtocol, payload: payload,
            isUnordered: first.isUnordered)
        guard !first.isUnordered else {
            messages.append(message)
            return
        }
        var stream = streams.removeValue(forKey: first.stream) ?? IncomingStream()
        let number = unwrap(first.messageNumber, near: stream.next)
        // A number that was delivered or skipped comes from no sender that keeps the rules; nobody waits for it.
        if number == stream.next {
            messages.append(message)
            stream.next += 1
            deliverWaiting(of: &stream, to: &messages)
        } else if number > stream.next, stream.waiting[number] == nil {
            stream.waiting[number] = message
            bufferedBytes += payload.count + Self.overhead
        }
        streams[first.stream] = stream
    }

    private mutating func deliverWaiting(of stream: inout IncomingStream, to messages: inout [SCTPMessage]) {
        while let message = stream.waiting.removeValue(forKey: stream.next) {
            bufferedBytes -= message.payload.count + Self.overhead
            messages.append(message)
            stream.next += 1
        }
    }

    private func unwrap(_ number: UInt32, near reference: Int64) -> Int64 {
        let difference = number &- UInt32(truncatingIfNeeded: reference)
        return reference
            + (isInterleaved
                ? Int64(Int32(bitPattern: difference))
                : Int64(Int16(bitPattern: UInt16(truncatingIfNeeded: difference))))
    }

    /// The other side has given messages up (RFC 3758 §3.6, RFC 8260 §2.3.1); what waited for them is delivered.
    mutating func skip(_ chunk: ForwardTSNChunk, to cumulative: TSN, _ messages: inout [SCTPMessage]) {
        if isInterleaved {
            dropInterleaved(chunk.skipped)
        } else {
            bufferedBytes -= fragments.drop(through: cumulative.unwrapped, overhead: Self.overhead)
        }
        for skipped in chunk.skipped where !skipped.isUnordered {
            var stream = streams.removeValue(forKey: skipped.stream) ?? IncomingStream()
            let number = unwrap(skipped.messageNumber, near: stream.next)
            if number >= stream.next {
                // complete ones among those skipped are delivered all the same
                for waiting in stream.waiting.keys.filter({ $0 <= number }).sorted()
                where stream.waiting[waiting] != nil {
                    stream.next = waiting
                    deliverWaiting(of: &stream, to: &messages)
                }
                stream.next = max(stream.next, number + 1)
                deliverWaiting(of: &stream, to: &messages)
            }
            streams[skipped.stream] = stream
        }
    }

    private mutating func dropInterleaved(_ skipped: [ForwardTSNChunk.Skipped]) {
        guard !interleaved.isEmpty else { return }
        for skipped in skipped {
            for (key, runs) in interleaved where key.stream == skipped.stream {
                guard key.isUnordered == skipped.isUnordered,
                    Int32(bitPattern: key.number &- skipped.messageNumber) <= 0
                else { continue }
                var runs = runs
                bufferedBytes -= runs.drop(through: .max, overhead: Self.overhead)
                interleaved[key] = nil
            }
        }
    }

    /// The other side's message numbers begin anew (RFC 6525 §5.2.2); no stream stands for all.
    mutating func reset(_ identifiers: [SCTPStreamIdentifier]) {
        for identifier in identifiers.isEmpty ? Array(streams.keys) : identifiers {
            guard let stream = streams.removeValue(forKey: identifier) else { continue }
            bufferedBytes -= stream.waiting.values.reduce(0) { $0 + $1.payload.count + Self.overhead }
        }
    }
}
