import Wire

/// A request that waits for its answer.
struct TURNRequest {
    enum Purpose: Equatable {
        case allocate
        case refresh
        case release
        case permission(IPAddress)
        case channel(UInt16)
    }

    let id: STUNMessage.TransactionID
    let purpose: Purpose
    let method: STUNMessage.Method
    /// Its attributes without those that authenticate it.
    let attributes: [STUNAttribute]
    /// What it was authenticated with; nil for a first request.
    let credentials: LongTermCredentials?
    /// How often it was made anew because of a 401 or 438.
    let renewals: Int
    let bytes: [UInt8]
    var timer: RequestTimer
}

/// Requests and their answers.
extension TURNClient {
    /// A server that tells every nonce to be stale is given up.
    private static let maximumRenewals = 3

    mutating func request(
        _ purpose: TURNRequest.Purpose, method: STUNMessage.Method, attributes: [STUNAttribute], renewals: Int = 0,
        at now: Instant
    ) {
        guard let transport else { return }
        let id = STUNMessage.TransactionID(random: random)
        let message = STUNMessage(
            .request, method: method, transactionID: id, attributes: attributes + credentials.attributes)
        let schedule: RequestTimer.Schedule =
            transport.isReliable
            ? .reliable
            : .init(
                rto: configuration.timing.initialRTO, maximumTransmissions: configuration.timing.maximumTransmissions,
                finalWait: configuration.timing.finalWait)
        let bytes = message.serialized(key: credentials.key)
        requestsSent += 1
        requests.append(
            TURNRequest(
                id: id, purpose: purpose, method: method, attributes: attributes,
                credentials: credentials.key == nil ? nil : credentials, renewals: renewals, bytes: bytes,
                timer: RequestTimer(schedule, at: now)))
        output(.transmit(bytes))
    }

    mutating func stepRequests(at now: Instant) {
        var timedOut: [TURNRequest] = []
        for index in requests.indices {
            switch requests[index].timer.step(at: now) {
            case .nothing: break
            case .retransmit: output(.transmit(requests[index].bytes))
            case .timeOut: timedOut.append(requests[index])
            }
        }
        guard !timedOut.isEmpty else { return }
        requests.removeAll { request in timedOut.contains { $0.id == request.id } }
        for request in timedOut { refused(request, .unreachable("The server does not answer"), at: now) }
    }

    mutating func receiveResponse(_ response: STUNMessage, at now: Instant) {
        guard let index = requests.firstIndex(where: { $0.id == response.transactionID }),
            requests[index].method == response.method
        else { return discard(.unknownTransaction) }
        let request = requests[index]
        let isAuthentic = request.credentials?.key.map { response.isAuthentic($0) } ?? false
        guard response.messageClass == .errorResponse else {
            // RFC 8489 §9.2.5: without the right integrity a response is as if it had never come
            guard isAuthentic || request.credentials == nil else { return discard(.unauthenticated) }
            requests.remove(at: index)
            return succeeded(request, response, at: now)
        }
        let error = response.error.map { TURNError(code: $0.code, reason: $0.reason) }
        // Servers send their errors without integrity, most of all those about it. Somebody who sees the transaction's
        // identifier could as well drop the answer; only where he could lead us to is another matter.
        let leadsElsewhere = error?.code == 300 && request.credentials != nil
        if !isAuthentic, response.hasIntegrity && request.credentials != nil && !isChallenge(error) || leadsElsewhere {
            return discard(.unauthenticated)
        }
        requests.remove(at: index)
        guard let error else { return refused(request, TURNError(code: 400, reason: "No error code"), at: now) }
        if isChallenge(error), meet(response, for: request, error, at: now) { return }
        if case .allocate = request.purpose {
            allocationRefused(error, response: response, isAuthentic: isAuthentic, at: now)
        } else {
            refused(request, error, at: now)
        }
    }

    private func isChallenge(_ error: TURNError?) -> Bool { error?.code == 401 || error?.code == 438 }

    /// Sends the request again as a 401 (RFC 8489 §9.2.5: unless the credentials are those that were refused) or a 438
    /// asks for. False where that is no use.
    private mutating func meet(
        _ response: STUNMessage, for request: TURNRequest, _ error: TURNError, at now: Instant
    ) -> Bool {
        guard request.renewals < Self.maximumRenewals else { return false }
        if error.code == 401, let used = request.credentials, used.username == credentials.username,
            used.password == credentials.password
        {
            // RFC 8489 §9.2.5: not with what was refused; but a server that has forgotten its realm or nonce, after a
            // start of its own, is told once more
            guard response.nonce != nil, response.realm != used.realm else { return false }
        }
        do throws(LongTermCredentials.Refusal) {
            try credentials.take(response)
        } catch {
            return false
        }
        self.request(
            request.purpose, method: request.method, attributes: request.attributes, renewals: request.renewals + 1,
            at: now)
        return true
    }

    private mutating func succeeded(_ request: TURNRequest, _ response: STUNMessage, at now: Instant) {
        switch request.purpose {
        case .allocate: allocated(response, at: now)
        case .refresh: refreshed(response, at: now)
        case .permission(let ip): permissionGranted(ip, at: now)
        case .channel(let number): channelBound(number, at: now)
        case .release: break
        }
    }

    private mutating func refused(_ request: TURNRequest, _ error: TURNError, at now: Instant) {
        switch request.purpose {
        case .allocate: end(error)
        case .refresh: refreshRefused(error, at: now)
        case .permission(let ip): permissionRefused(ip, error, at: now)
        case .channel(let number): channelRefused(number, error, at: now)
        case .release: break
        }
    }
}
