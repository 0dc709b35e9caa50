import Wire

/// Stream resets both ways (RFC 6525 §5), one request of each side at a time.
struct StreamResets: Sendable {
    private static let maximumHeld = 1024
    /// As many as a packet holds.
    private static let maximumStreams = 256

    /// A request of ours that waits for its answer.
    struct Request: Sendable {
        var number: UInt32
        let lastTSN: UInt32
        let streams: [SCTPStreamIdentifier]
    }

    /// A request of the other side's that waits for the data before it.
    private struct Deferred: Sendable {
        let number: UInt32
        let lastTSN: TSN
        let streams: [SCTPStreamIdentifier]
    }

    /// Streams to be reset once what waits on them has been sent.
    private var waiting: [SCTPStreamIdentifier] = []
    private(set) var request: Request?
    var deadline: Instant?
    /// Whether the other side has answered that it is not ready.
    private var isPostponed = false
    private var nextNumber: UInt32 = 0
    /// The number of the other side's next request.
    private var expectedNumber: UInt32 = 0
    private var lastResult = ReconfigurationParameter.Result.nothingToDo
    private var deferred: Deferred?
    /// The last reset that was done after it had been deferred.
    private var finished: Deferred?
    private var held: [(data: DataChunk, tsn: TSN)] = []
    /// Bytes of data that came before the reset that it comes after.
    private(set) var heldBytes = 0

    mutating func begin(local: UInt32, remote: UInt32) {
        nextNumber = local
        expectedNumber = remote
    }

    /// Whether the stream is to be reset, or being.
    func concern(_ stream: SCTPStreamIdentifier) -> Bool {
        waiting.contains(stream) || request?.streams.contains(stream) == true
    }

    mutating func add(_ streams: [SCTPStreamIdentifier]) {
        for stream in streams where !concern(stream) { waiting.append(stream) }
    }

    /// Takes the waiting streams that are ready off the list.
    mutating func takeReady(_ isReady: (SCTPStreamIdentifier) -> Bool) -> [SCTPStreamIdentifier] {
        guard !waiting.isEmpty else { return [] }
        let ready = Array(waiting.lazy.filter(isReady).prefix(Self.maximumStreams))
        waiting.removeAll { ready.contains($0) }
        return ready
    }

    mutating func open(_ streams: [SCTPStreamIdentifier], lastTSN: UInt32) -> Request {
        let request = Request(number: nextNumber, lastTSN: lastTSN, streams: streams)
        nextNumber &+= 1
        self.request = request
        return request
    }

    /// The other side has answered that it is not ready: it may say when it is, or wants to be asked again.
    mutating func postpone(until deadline: Instant) {
        isPostponed = true
        self.deadline = deadline
    }

    /// The request to send again; after "in progress" under a new number, for the old one may get the old answer.
    mutating func repeated() -> Request? {
        if isPostponed {
            isPostponed = false
            request?.number = nextNumber
            nextNumber &+= 1
        }
        return request
    }

    /// The request was answered.
    mutating func close() -> [SCTPStreamIdentifier] {
        defer {
            request = nil
            deadline = nil
            isPostponed = false
        }
        return request?.streams ?? []
    }

    // MARK: The other side's

    /// What is to be done about a request of the other side's.
    enum Verdict {
        case answer(ReconfigurationParameter.Result)
        case perform([SCTPStreamIdentifier])
    }

    mutating func judge(
        number: UInt32, lastTSN: UInt32, streams: [SCTPStreamIdentifier], cumulative: TSN
    ) -> Verdict {
        // §5.2.1: the last one again gets the last answer
        if number == expectedNumber &- 1 { return .answer(lastResult) }
        guard number == expectedNumber else { return .answer(.badSequenceNumber) }
        expectedNumber &+= 1
        let last = TSN(lastTSN, near: cumulative)
        if let done = finished, done.lastTSN == last, done.streams == streams {
            // asked again before our answer came; the streams may be in use again
            finished = nil
            lastResult = .performed
            return .answer(.performed)
        }
        finished = nil
        guard last > cumulative else {
            deferred = nil
            lastResult = .performed
            return .perform(streams)
        }
        // §5.2.2 E1: deferred until everything before it has come
        deferred = Deferred(number: number, lastTSN: last, streams: streams)
        lastResult = .inProgress
        return .answer(.inProgress)
    }

    mutating func refuse(number: UInt32) -> ReconfigurationParameter.Result {
        if number == expectedNumber &- 1 { return lastResult }
        guard number == expectedNumber else { return .badSequenceNumber }
        expectedNumber &+= 1
        lastResult = .denied
        return .denied
    }

    /// Keeps data that comes after a reset which is deferred; whether it did.
    mutating func hold(_ data: DataChunk, _ tsn: TSN) -> Bool {
        guard let deferred, tsn > deferred.lastTSN, held.count < Self.maximumHeld else { return false }
        guard deferred.streams.isEmpty || deferred.streams.contains(data.stream) else { return false }
        var data = data
        data.payload = ArraySlice([UInt8](data.payload))
        held.append((data, tsn))
        heldBytes += data.payload.count + Reassembly.overhead
        return true
    }

    /// The deferred reset whose time has come, its number, streams, and the data held for it.
    mutating func takeDue(
        cumulative: TSN
    ) -> (number: UInt32, streams: [SCTPStreamIdentifier], held: [(data: DataChunk, tsn: TSN)])? {
        guard let due = deferred, due.lastTSN <= cumulative else { return nil }
        defer {
            deferred = nil
            held = []
            heldBytes = 0
        }
        lastResult = .performed
        finished = due
        return (due.number, due.streams, held)
    }
}

extension SCTPAssociation {
    /// The application wants streams reset.
    mutating func reset(_ streams: [SCTPStreamIdentifier]) {
        guard state == .closed || state == .cookieWait || state == .cookieEchoed || state == .established else {
            return
        }
        resets.add(streams)
    }

    /// Asks for the resets whose streams have sent all that they had (RFC 6525 §5.1.2).
    mutating func addResetRequest(to packet: inout OutgoingPacket, at now: Instant) {
        guard resets.request == nil else { return }
        let ready = resets.takeReady { queue.isDrained($0) }
        guard !ready.isEmpty else { return }
        guard extensions.contains(.reconfiguration) else {
            // who cannot reset streams cannot use them again, and nothing more is to be done
            return emit(.outgoingStreamsReset(ready))
        }
        let request = resets.open(ready, lastTSN: (outstanding.nextTSN - 1).rawValue)
        resets.deadline = now + timeout.value
        add(parameter(of: request), to: &packet)
    }

    private func parameter(of request: StreamResets.Request) -> SCTPChunk {
        // of the other side's requests none is answered by ours: any number before its first says so
        .reconfiguration([
            .outgoingReset(
                request: request.number, response: received.cumulative.rawValue, lastTSN: request.lastTSN,
                streams: request.streams)
        ])
    }

    mutating func repeatReset(at now: Instant) {
        countError()
        guard !hasEnded, let request = resets.repeated() else { return }
        timeout.backOff()
        resets.deadline = now + timeout.value
        control.append(parameter(of: request))
    }

    mutating func take(_ parameters: [ReconfigurationParameter], at now: Instant) {
        guard extensions.contains(.reconfiguration) else { return discard(.unexpected) }
        for parameter in parameters where !hasEnded {
            switch parameter {
            case .outgoingReset(let number, _, let lastTSN, let streams):
                let verdict = resets.judge(
                    number: number, lastTSN: lastTSN, streams: streams, cumulative: received.cumulative)
                switch verdict {
                case .answer(let result): answer(number, result)
                case .perform(let streams):
                    perform(streams)
                    answer(number, .performed)
                }
            case .otherRequest(let number):
                answer(number, resets.refuse(number: number))
            case .response(let number, let result):
                takeResponse(number, result, at: now)
            }
        }
    }

    private mutating func answer(_ number: UInt32, _ result: ReconfigurationParameter.Result) {
        control.append(.reconfiguration([.response(request: number, result: result.rawValue)]))
    }

    private mutating func perform(_ streams: [SCTPStreamIdentifier]) {
        reassembly.reset(streams)
        emit(.incomingStreamsReset(streams))
    }

    /// Does a reset that waited for data which has come now, and delivers what came for after it.
    mutating func finishDeferredReset() {
        guard let due = resets.takeDue(cumulative: received.cumulative) else { return }
        perform(due.streams)
        answer(due.number, .performed)
        for (data, tsn) in due.held where !hasEnded { deliver(data, tsn) }
    }

    private mutating func takeResponse(_ number: UInt32, _ result: UInt32, at now: Instant) {
        guard let request = resets.request, request.number == number else { return discard(.unexpected) }
        errorCount = 0
        switch ReconfigurationParameter.Result(rawValue: result) {
        case .inProgress, .requestAlreadyInProgress:
            resets.postpone(until: now + timeout.value)
        case .performed, .nothingToDo:
            let streams = resets.close()
            for stream in streams { queue.reset(stream) }
            emit(.outgoingStreamsReset(streams))
        case .denied, .wrongStreamNumber, .badSequenceNumber, nil:
            // numbers go on as they were
            emit(.outgoingStreamsReset(resets.close()))
        }
    }
}
