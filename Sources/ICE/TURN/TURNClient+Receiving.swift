import Wire

/// What the server sends.
extension TURNClient {
    mutating func receive(stream bytes: [UInt8], at now: Instant) {
        reader.append(bytes)
        do throws(TURNStreamReader.Desynchronized) {
            while let message = try reader.next() {
                receive(message, at: now)
                // the connection may have been left for another
                guard transport != nil, state != .ended else { return }
            }
        } catch {
            discard(.malformed)
            end(.unreachable("The server's bytes are neither STUN nor ChannelData"))
        }
    }

    mutating func receive(_ bytes: [UInt8], at now: Instant) {
        switch bytes.first {
        case .some(0...3): receiveMessage(bytes, at: now)
        case .some(0x40...0x4F): receiveChannelData(bytes)
        default: discard(.malformed)
        }
    }

    private mutating func receiveMessage(_ bytes: [UInt8], at now: Instant) {
        guard let message = try? STUNMessage(parsing: bytes) else { return discard(.malformed) }
        switch message.messageClass {
        case .successResponse, .errorResponse: receiveResponse(message, at: now)
        case .indication where message.method == .data: receiveIndication(message)
        case .indication, .request: discard(.unexpectedMessage)
        }
    }

    /// RFC 8656 §11.4 and §11.6.
    private mutating func receiveIndication(_ message: STUNMessage) {
        guard let peer = message.peerAddresses.first else { return discard(.malformed) }
        if message.attributes.contains(where: { if case .icmp = $0 { true } else { false } }) { return discard(.icmp) }
        guard let data = message.data else { return discard(.malformed) }
        deliver(data, from: peer)
    }

    /// RFC 8656 §12.6: over UDP there may be padding behind the data.
    private mutating func receiveChannelData(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else { return discard(.malformed) }
        let number = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        let length = Int(bytes[2]) << 8 | Int(bytes[3])
        guard bytes.count - 4 >= length else { return discard(.malformed) }
        guard let channel = channels.first(where: { $0.number == number }) else { return discard(.unknownChannel) }
        deliver(Array(bytes[4..<(4 + length)]), from: channel.peer)
    }

    private mutating func deliver(_ data: [UInt8], from peer: SocketAddress) {
        guard let relayed = relayedAddress(for: peer.ip) else { return discard(.noAddress) }
        output(.data(data, from: peer, to: relayed))
    }
}
