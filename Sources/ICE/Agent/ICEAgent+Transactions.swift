import Wire

/// The requests that wait for responses.
extension ICEAgent {
    /// When a request is repeated or given up.
    var transactionDeadline: Instant? {
        var first: Instant?
        for index in transactions.indices { first = earliest(first, transactions[index].deadline) }
        return first
    }

    /// Remembered requests of one agent: far more than the pairs of an honest check list need at once.
    private static let maximumTransactions = 512

    mutating func begin(
        _ purpose: STUNTransaction.Purpose, attributes: [STUNAttribute], on path: Path, sendKey: STUNKey?,
        rto: Duration, maximumTransmissions: Int, longestWait: Duration? = nil, at now: Instant
    ) {
        if transactions.count >= ICEAgent.maximumTransactions,
            let oldest = transactions.firstIndex(where: \.isCancelled)
        {
            transactions.remove(at: oldest)
        }
        let id = STUNMessage.TransactionID(random: random)
        // RFC 8445 §7.1: short-term credentials, the receiver's password, and FINGERPRINT.
        let datagram = STUNMessage(.request, transactionID: id, attributes: attributes).serialized(key: sendKey)
        // RFC 8489 §6.2.2: over TCP nothing is sent again, and Ti is the time for all of it.
        let schedule =
            path.stream == nil
            ? RequestTimer.Schedule(
                rto: rto, maximumTransmissions: maximumTransmissions, finalWait: configuration.finalWait,
                longestWait: longestWait)
            : RequestTimer.Schedule(
                rto: configuration.streamResponseTimeout, maximumTransmissions: 1, finalWait: 1)
        transactions.append(
            STUNTransaction(
                id: id, purpose: purpose, datagram: datagram, path: path, key: sendKey, schedule: schedule, at: now))
        transmit(datagram, on: path)
    }

    mutating func expireTransactions(at now: Instant) {
        var timedOut: [STUNTransaction] = []
        for index in transactions.indices {
            switch transactions[index].step(at: now) {
            case .nothing:
                break
            case .retransmit:
                statistics.retransmissionsSent += 1
                let transaction = transactions[index]
                transmit(transaction.datagram, on: transaction.path)
            case .timeOut:
                timedOut.append(transactions[index])
            }
        }
        guard !timedOut.isEmpty else { return }
        transactions.removeAll { transaction in timedOut.contains { $0.id == transaction.id } }
        for transaction in timedOut where !transaction.isCancelled {
            if case .check(let pair, _, let nominates) = transaction.purpose {
                checkFailed(pair: pair, nominates: nominates)
            }
        }
    }

    /// Cancels the checks of a pair, but not its nomination, which only its own response or silence ends.
    mutating func cancelChecks(ofPair id: Int, at now: Instant) {
        for index in transactions.indices where !transactions[index].isCancelled {
            if case .check(pair: id, _, nominates: false) = transactions[index].purpose {
                transactions[index].cancel(at: now)
            }
        }
    }

    mutating func forgetChecks(ofPairs ids: [Int]) {
        transactions.removeAll { transaction in ids.contains { transaction.isCheck(ofPair: $0) } }
    }

    /// Whether the response in `datagram` answers a request of this agent. On a socket that agents share, this finds
    /// the one that a response belongs to.
    public func awaits(_ datagram: [UInt8]) -> Bool {
        guard let message = try? STUNMessage(parsing: datagram),
            message.messageClass == .successResponse || message.messageClass == .errorResponse
        else { return false }
        return transactions.contains { $0.id == message.transactionID }
    }
}

extension STUNTransaction {
    func isCheck(ofPair id: Int) -> Bool {
        if case .check(pair: id, _, _) = purpose { true } else { false }
    }

    var isConsentCheck: Bool {
        if case .consent = purpose { true } else { false }
    }
}
