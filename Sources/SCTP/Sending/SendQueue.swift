import Wire

/// The messages that wait to be sent, stream by stream, and whose turn it is.
///
/// Streams take turns, one message each, or with interleaving (RFC 8260 §3.2: round-robin) one fragment each, so that a
/// long message holds others up no longer than it must: fragments of DATA follow each other without a gap in their TSNs
/// (RFC 9260 §6.9).
struct SendQueue: Sendable {
    /// What of a message is to be known while its fragments are under way.
    struct MessageContext: Sendable {
        let number: UInt64
        let reliability: SCTPMessage.Reliability
        let expiry: Instant?
    }

    /// A piece of a message, still without a TSN.
    struct Fragment: Sendable {
        var chunk: DataChunk
        let context: MessageContext
    }

    private struct PendingMessage: Sendable {
        let message: SCTPMessage
        let context: MessageContext
        var offset = 0
        var messageNumber: UInt32 = 0
        var fragmentNumber: UInt32 = 0
    }

    private struct Stream: Sendable {
        var messages = FIFO<PendingMessage>()
        var bufferedAmount = 0
        var nextOrdered: UInt32 = 0
        var nextUnordered: UInt32 = 0
    }

    private var streams: [SCTPStreamIdentifier: Stream] = [:]
    /// Streams with something to send, in the order of their turns.
    private var turns = FIFO<SCTPStreamIdentifier>()
    /// The stream that is in the middle of a message which others must not interrupt.
    private var current: SCTPStreamIdentifier?
    private var nextMessage: UInt64 = 0
    /// Bytes that wait, of all streams.
    private(set) var bufferedAmount = 0

    var isEmpty: Bool { turns.isEmpty && current == nil }

    func bufferedAmount(of stream: SCTPStreamIdentifier) -> Int { streams[stream]?.bufferedAmount ?? 0 }

    mutating func append(_ message: SCTPMessage, _ reliability: SCTPMessage.Reliability, at now: Instant) {
        let expiry: Instant? = if case .lifetime(let duration) = reliability { now + duration } else { nil }
        let context = MessageContext(number: nextMessage, reliability: reliability, expiry: expiry)
        nextMessage += 1
        if streams[message.stream, default: Stream()].messages.isEmpty { turns.append(message.stream) }
        streams[message.stream, default: Stream()].messages.append(PendingMessage(message: message, context: context))
        streams[message.stream, default: Stream()].bufferedAmount += message.payload.count
        bufferedAmount += message.payload.count
    }

    /// Takes the next fragment, of at most `maximum` bytes; nil when none waits. Messages whose time is over are given
    /// up: `expired` is told of each, its stream, and whether a part of it is under way already.
    mutating func next(
        maximum: Int, isInterleaved: Bool, canAbandon: Bool, at now: Instant,
        expired: (SCTPStreamIdentifier, MessageContext, _ begun: Fragment?) -> Void
    ) -> Fragment? {
        while let stream = current ?? (turns.isEmpty ? nil : turns[0]) {
            if current == nil { turns.removeFirst() }
            current = nil
            guard var queue = streams.removeValue(forKey: stream) else { continue }
            defer {
                streams[stream] = queue
                if current == nil, !queue.messages.isEmpty { turns.append(stream) }
            }
            guard !queue.messages.isEmpty else { continue }
            if canAbandon, let expiry = queue.messages[0].context.expiry, expiry <= now {
                let gone = queue.messages[0]
                queue.messages.removeFirst()
                forget(gone.message.payload.count - gone.offset, of: &queue)
                // RFC 3758 §3.5: what was never sent leaves no trace; the rest of what was, needs an end to skip to
                let end = gone.offset > 0 ? Self.fragment(of: gone, count: 0, isInterleaved: isInterleaved) : nil
                expired(stream, gone.context, end)
                continue
            }
            let fragment = take(from: &queue, maximum: maximum, isInterleaved: isInterleaved)
            if !isInterleaved, !fragment.chunk.isEnding { current = stream }
            return fragment
        }
        return nil
    }

    private mutating func take(from queue: inout Stream, maximum: Int, isInterleaved: Bool) -> Fragment {
        if queue.messages[0].offset == 0 {
            if queue.messages[0].message.isUnordered {
                // RFC 9260 §3.3.1: of an unordered DATA chunk the stream sequence number means nothing
                queue.messages[0].messageNumber = isInterleaved ? queue.nextUnordered : 0
                queue.nextUnordered &+= 1
            } else {
                queue.messages[0].messageNumber = isInterleaved ? queue.nextOrdered : queue.nextOrdered & 0xFFFF
                queue.nextOrdered &+= 1
            }
        }
        let head = queue.messages[0]
        let count = min(maximum, head.message.payload.count - head.offset)
        let fragment = Self.fragment(of: head, count: count, isInterleaved: isInterleaved)
        if fragment.chunk.isEnding {
            queue.messages.removeFirst()
        } else {
            queue.messages[0].offset += count
            queue.messages[0].fragmentNumber &+= 1
        }
        forget(count, of: &queue)
        return fragment
    }

    private static func fragment(of pending: PendingMessage, count: Int, isInterleaved: Bool) -> Fragment {
        let message = pending.message
        let end = pending.offset + count
        return Fragment(
            chunk: DataChunk(
                tsn: 0, stream: message.stream, messageNumber: pending.messageNumber,
                fragmentNumber: isInterleaved ? pending.fragmentNumber : 0, payloadProtocol: message.payloadProtocol,
                isUnordered: message.isUnordered, isBeginning: pending.offset == 0,
                isEnding: end == message.payload.count, isInterleaved: isInterleaved,
                payload: message.payload[pending.offset..<end]),
            context: pending.context)
    }

    private mutating func forget(_ count: Int, of queue: inout Stream) {
        queue.bufferedAmount -= count
        bufferedAmount -= count
    }

    /// Gives up what is left of the message `number` of `stream`: a fragment of it was given up. The end that makes it
    /// whole for who skips it; nil when all of it had been sent.
    mutating func abandon(_ number: UInt64, of stream: SCTPStreamIdentifier, isInterleaved: Bool) -> Fragment? {
        guard var queue = streams[stream], !queue.messages.isEmpty, queue.messages[0].context.number == number else {
            return nil
        }
        let gone = queue.messages[0]
        queue.messages.removeFirst()
        forget(gone.message.payload.count - gone.offset, of: &queue)
        streams[stream] = queue
        if current == stream {
            current = nil
            if !queue.messages.isEmpty { turns.append(stream) }
        } else if queue.messages.isEmpty {
            removeTurn(of: stream)
        }
        return Self.fragment(of: gone, count: 0, isInterleaved: isInterleaved)
    }

    /// Whether everything given to the stream has been sent at least once.
    func isDrained(_ stream: SCTPStreamIdentifier) -> Bool {
        streams[stream].map(\.messages.isEmpty) ?? true
    }

    /// Numbers of the stream's messages begin anew (RFC 6525 §5.2.7).
    mutating func reset(_ stream: SCTPStreamIdentifier) {
        streams[stream] = nil
    }

    /// The association was restarted: messages begin anew, and what waits is lost.
    mutating func removeAll() {
        self = SendQueue()
    }

    private mutating func removeTurn(of stream: SCTPStreamIdentifier) {
        var kept = FIFO<SCTPStreamIdentifier>()
        for index in 0..<turns.count where turns[index] != stream { kept.append(turns[index]) }
        turns = kept
    }
}
