import DTLS
import ICE
import SRTP
import Wire

/// Transports, candidates, pairs and certificates.
extension StatsCollector {
    static func id(of transport: PeerTransport.ID) -> String { "transport-\(transport.rawValue)" }

    mutating func addTransports(of connection: RTCPeerConnection) {
        guard !connection.used.isEmpty else { return }
        let certificate = connection.configuration.certificates[0]
        let own = add(certificate.der, certificate.fingerprint())
        for transport in connection.used {
            let available = connection.availableOutgoingBitrate(of: transport.id)
            add(transport, localCertificate: own, availableOutgoingBitrate: available)
        }
    }

    private mutating func add(
        _ transport: PeerTransport, localCertificate: String, availableOutgoingBitrate: Double?
    ) {
        let id = Self.id(of: transport.id)
        var object = RTCTransportStats(
            id: id, timestamp: milliseconds(instant), dtlsState: transport.dtlsState.rawValue)
        let traffic = transport.traffic.total
        object.packetsSent = traffic.packetsSent
        object.packetsReceived = traffic.packetsReceived
        object.bytesSent = traffic.bytesSent
        object.bytesReceived = traffic.bytesReceived
        object.iceRole = transport.ice.role == .controlling ? "controlling" : "controlled"
        object.iceLocalUsernameFragment = transport.ice.credentials.usernameFragment
        object.iceState = transport.ice.connectionState.rawValue
        object.selectedCandidatePairChanges = UInt32(transport.ice.statistics.selectedCandidatePairChanges)
        object.localCertificateId = localCertificate
        if let dtls = transport.dtls {
            object.dtlsRole = dtls.role == .client ? "client" : "server"
            object.dtlsCipher = dtls.cipherSuite
            // RFC 6347 §4.1: version 1.2 is { 254, 253 }, and no other is offered or taken
            if dtls.cipherSuite != nil { object.tlsVersion = "FEFD" }
            if let certificate = dtls.remoteCertificate {
                object.remoteCertificateId = add(certificate, DTLSFingerprint(.sha256, of: certificate))
            }
        }
        object.srtpCipher = transport.srtpSender?.profile.name
        var known: Set<String> = []
        for candidate in transport.ice.localCandidates { _ = add(candidate, of: id, isLocal: true, &known) }
        for candidate in transport.ice.remoteCandidates { _ = add(candidate, of: id, isLocal: false, &known) }
        for pair in transport.ice.candidatePairs {
            let local = add(pair.local, of: id, isLocal: true, &known)
            let remote = add(pair.remote, of: id, isLocal: false, &known)
            let pairID = "candidate-pair-\(local)-\(remote)"
            guard known.insert(pairID).inserted else { continue }
            if pair.isSelected { object.selectedCandidatePairId = pairID }
            var pairStats = stats(of: pair, pairID, local, remote, transport)
            if pair.isSelected { pairStats.availableOutgoingBitrate = availableOutgoingBitrate }
            append(.candidatePair(pairStats))
        }
        append(.transport(object))
    }

    private func stats(
        of pair: ICECandidatePairStatistics, _ id: String, _ local: String, _ remote: String,
        _ transport: PeerTransport
    ) -> RTCIceCandidatePairStats {
        var object = RTCIceCandidatePairStats(
            id: id, timestamp: milliseconds(instant), transportId: Self.id(of: transport.id), localCandidateId: local,
            remoteCandidateId: remote, state: pair.state.rawValue)
        object.nominated = pair.isNominated
        let traffic = transport.traffic.count(local: pair.localAddress, remote: pair.remoteAddress)
        object.packetsSent = traffic.packetsSent
        object.packetsReceived = traffic.packetsReceived
        object.bytesSent = traffic.bytesSent
        object.bytesReceived = traffic.bytesReceived
        object.lastPacketReceivedTimestamp = traffic.lastReceived.map(milliseconds)
        object.currentRoundTripTime = pair.checks.currentRoundTripTime?.inSeconds
        object.totalRoundTripTime = pair.checks.totalRoundTripTime.inSeconds
        object.requestsSent = pair.checks.requestsSent
        object.requestsReceived = pair.checks.requestsReceived
        object.responsesSent = pair.checks.responsesSent
        object.responsesReceived = pair.checks.responsesReceived
        object.consentRequestsSent = pair.checks.consentRequestsSent
        return object
    }

    /// The identifier of a candidate's object, which is made the first time.
    private mutating func add(
        _ candidate: ICECandidate, of transport: String, isLocal: Bool, _ known: inout Set<String>
    ) -> String {
        let address: String =
            switch candidate.address {
            case .ip(let ip): ip.description
            case .name(let name): name
            }
        let (name, tcpType): (String, String?) =
            switch candidate.transport {
            case .udp: ("udp", nil)
            case .tcp(let type): ("tcp", type)
            case .other(let name): (name, nil)
            }
        let side = isLocal ? "local" : "remote"
        let kind = candidate.kind.rawValue
        let id = "\(side)-candidate-\(transport)-\(kind)-\(name)\(tcpType ?? "")-\(address)-\(candidate.port)"
        guard known.insert(id).inserted else { return id }
        var object = RTCIceCandidateStats(
            id: id, type: isLocal ? .localCandidate : .remoteCandidate, timestamp: milliseconds(instant),
            transportId: transport, candidateType: kind)
        object.address = address
        object.port = Int(candidate.port)
        object.protocol = name
        object.tcpType = tcpType
        object.priority = candidate.priority
        object.foundation = candidate.foundation
        object.usernameFragment = candidate.usernameFragment
        if let related = candidate.related {
            object.relatedAddress =
                switch related.address {
                case .ip(let ip): ip.description
                case .name(let name): name
                }
            object.relatedPort = Int(related.port)
        }
        append(.candidate(object))
        return id
    }

    private mutating func add(_ der: [UInt8], _ fingerprint: DTLSFingerprint) -> String {
        let id = "certificate-\(fingerprint.hexadecimal.filter { $0 != ":" })"
        guard !stats.contains(where: { $0.id == id }) else { return id }
        append(
            .certificate(
                RTCCertificateStats(
                    id: id, timestamp: milliseconds(instant), fingerprint: fingerprint.hexadecimal,
                    fingerprintAlgorithm: fingerprint.hashFunction.rawValue, base64Certificate: Self.base64(der))))
        return id
    }

    /// RFC 4648 §4.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for place in 0..<4 {
                let isPadding = place > group.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(bits >> (18 - 6 * place) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
