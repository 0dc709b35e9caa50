import SCTP
import Wire

/// Messages both ways, and the establishment protocol's (RFC 8832).
extension DataChannels {
    /// W3C §6.2, `send`.
    mutating func send(_ message: DataChannelMessage, on id: DataChannelID, at now: Instant) throws(RTCError) {
        guard let channel = channels[id], channel.told.readyState == .open, let association,
            let stream = channel.told.streamIdentifier
        else { throw .invalidState("the channel is not open") }
        let count = message.byteCount
        guard count <= association.maxMessageSize else {
            throw .type("the message is longer than the other side takes: \(association.maxMessageSize) bytes")
        }
        // RFC 8831 §6.6: SCTP has no empty messages; one byte that means nothing stands for them
        let (kind, payload): (PayloadProtocolIdentifier, [UInt8]) =
            switch message {
            case .string(let text): count == 0 ? (.emptyString, [0]) : (.string, Array(text.utf8))
            case .binary(let bytes): count == 0 ? (.emptyBinary, [0]) : (.binary, bytes)
            }
        let reliability: SCTPMessage.Reliability =
            if let count = channel.told.maxRetransmits {
                .retransmissions(Int(count))
            } else if let time = channel.told.maxPacketLifeTime {
                .lifetime(.milliseconds(Int64(time)))
            } else {
                .reliable
            }
        do throws(SCTPAssociation.SendError) {
            try self.association?.sctp.send(
                SCTPMessage(
                    stream: SCTPStreamIdentifier(stream), payloadProtocol: kind, payload: payload,
                    isUnordered: !channel.told.isOrdered && channel.mayBeUnordered),
                reliability: reliability, at: now)
        } catch {
            switch error {
            case .bufferFull: throw .operation("the send buffer is full")
            case .closed, .stream: throw .invalidState("the association is over")
            }
        }
        channels[id]?.overhead.queued(payload.count, isOverhead: count == 0)
        channels[id]?.told.bufferedAmount += count
        channels[id]?.told.traffic.messagesSent &+= 1
        channels[id]?.told.traffic.bytesSent &+= UInt64(count)
        drain(at: now)
    }

    /// Announces a channel as open, and tells the other side of one that it does not know; false where there is no room.
    mutating func open(_ id: DataChannelID, at now: Instant) -> Bool {
        guard let told = channels[id]?.told, let stream = told.streamIdentifier else { return false }
        if !told.isNegotiated {
            let reliability: DataChannelOpen.Reliability =
                if let count = told.maxRetransmits {
                    .retransmissions(UInt32(count))
                } else if let time = told.maxPacketLifeTime {
                    .lifetime(UInt32(time))
                } else {
                    .reliable
                }
            let open = DataChannelOpen(
                isOrdered: told.isOrdered, reliability: reliability, label: told.label, subprotocol: told.protocol)
            guard sendEstablishment(.open(open), on: stream, at: now) else { return false }
        }
        announceOpen(id)
        return true
    }

    private mutating func announceOpen(_ id: DataChannelID) {
        channels[id]?.told.readyState = .open
        openedCount &+= 1
        events.append(.dataChannelStateChanged(id, .open))
    }

    /// RFC 8832 §6: "All DCEP messages MUST be sent using ordered delivery and reliable transmission."
    private mutating func sendEstablishment(
        _ message: DataChannelEstablishmentMessage, on stream: UInt16, at now: Instant
    ) -> Bool {
        let bytes = message.bytes
        do throws(SCTPAssociation.SendError) {
            try association?.sctp.send(
                SCTPMessage(
                    stream: SCTPStreamIdentifier(stream), payloadProtocol: .dataChannelEstablishment, payload: bytes),
                at: now)
        } catch {
            return false
        }
        if let id = streams[stream] { channels[id]?.overhead.queued(bytes.count, isOverhead: true) }
        return true
    }

    /// W3C §6.2: "bufferedamountlow" is fired when the amount falls from above the threshold to it or below.
    mutating func updateBufferedAmount(of stream: SCTPStreamIdentifier) {
        guard let id = streams[stream.rawValue], var channel = channels[id], let association else { return }
        let before = channel.told.bufferedAmount
        let waiting = association.sctp.bufferedAmount(of: stream)
        channel.told.bufferedAmount = max(0, waiting - channel.overhead.waiting(of: waiting))
        channels[id] = channel
        let threshold = channel.told.bufferedAmountLowThreshold
        if before > threshold, channel.told.bufferedAmount <= threshold, channel.told.readyState != .closed {
            events.append(.bufferedAmountLow(id))
        }
    }

    // MARK: What arrives

    mutating func take(_ message: SCTPMessage, at now: Instant) {
        let stream = message.stream.rawValue
        if let id = streams[stream], let channel = channels[id], channel.incomingIsReset {
            // one at a time waits, and its messages; more are no channel's
            guard channel.early.count < 256, channel.early.reduce(0, { $0 + $1.payload.count }) < 1 << 18 else {
                return discard(.unknownChannel)
            }
            channels[id]?.early.append(message)
        } else if message.payloadProtocol == .dataChannelEstablishment {
            takeEstablishment(message.payload, on: stream, at: now)
        } else if let id = streams[stream] {
            deliver(message, to: id, at: now)
        } else {
            discard(.unknownChannel)
        }
    }

    private mutating func deliver(_ message: SCTPMessage, to id: DataChannelID, at now: Instant) {
        channels[id]?.mayBeUnordered = true
        guard channels[id]?.told.readyState == .open else { return }
        let content: DataChannelMessage
        switch message.payloadProtocol {
        case .string:
            // RFC 8831 §6.6: text is UTF-8
            guard let text = String(validating: message.payload, as: UTF8.self) else {
                return fail(id, .dataChannelFailure("a text is not UTF-8"), at: now)
            }
            content = .string(text)
        case .binary: content = .binary(message.payload)
        case .emptyString: content = .string("")
        case .emptyBinary: content = .binary([])
        default:
            // RFC 8831 §6.6: "If a message with an unsupported PPID is received … the receiver SHOULD close the
            // corresponding Data Channel."
            let number = message.payloadProtocol.rawValue
            return fail(id, .dataChannelFailure("a message of the unknown kind \(number)"), at: now)
        }
        let count = content.byteCount
        guard count <= maximumMessageSize else {
            return fail(id, .dataChannelFailure("a message is longer than was announced"), at: now)
        }
        channels[id]?.told.traffic.messagesReceived &+= 1
        channels[id]?.told.traffic.bytesReceived &+= UInt64(count)
        events.append(.message(id, content))
    }

    private mutating func takeEstablishment(_ bytes: [UInt8], on stream: UInt16, at now: Instant) {
        let message: DataChannelEstablishmentMessage
        do throws(DataChannelEstablishmentMessage.ParsingError) {
            message = try DataChannelEstablishmentMessage(parsing: bytes)
        } catch {
            return refuse(stream, "a message of its establishment is malformed: \(error)", at: now)
        }
        switch message {
        case .acknowledgement:
            guard let id = streams[stream] else { return discard(.unknownChannel) }
            channels[id]?.mayBeUnordered = true
        case .open(let open):
            guard streams[stream] == nil else { return refuse(stream, "it was opened a second time", at: now) }
            take(open, on: stream, at: now)
        }
    }

    private mutating func take(_ open: DataChannelOpen, on stream: UInt16, at now: Instant) {
        guard let association else { return }
        // the other side is the DTLS client where we are the server, and has the even ones
        let text = open.label.utf8.count + open.subprotocol.utf8.count
        guard (stream % 2 == 0) == association.isDTLSServer, Int(stream) < streamLimit,
            remoteCount < Self.maximumRemoteChannels, remoteText + text <= Self.maximumRemoteText
        else { return refuse(stream, "", at: now) }
        var (lifetime, retransmits): (UInt16?, UInt16?)
        switch open.reliability {
        case .reliable: break
        case .lifetime(let time): lifetime = UInt16(clamping: time)
        case .retransmissions(let count): retransmits = UInt16(clamping: count)
        }
        let id = add(
            RTCDataChannel(
                id: makeID(), streamIdentifier: stream, label: open.label, isOrdered: open.isOrdered,
                maxPacketLifeTime: lifetime, maxRetransmits: retransmits, protocol: open.subprotocol,
                isNegotiated: false),
            mayBeUnordered: true)
        channels[id]?.isRemote = true
        remoteCount += 1
        remoteText += text
        guard sendEstablishment(.acknowledgement, on: stream, at: now) else {
            forget(id)
            return refuse(stream, "", at: now)
        }
        events.append(.dataChannel(id))
        announceOpen(id)
    }

    /// RFC 8832 §6: "the receiver MUST close the corresponding data channel … and MUST NOT send a DATA_CHANNEL_ACK".
    private mutating func refuse(_ stream: UInt16, _ reason: String, at now: Instant) {
        discard(.unknownChannel)
        if let id = streams[stream] {
            fail(id, .dataChannelFailure(reason), at: now)
        } else {
            association?.sctp.handle(.resetStreams([SCTPStreamIdentifier(stream)]), at: now)
        }
    }
}
