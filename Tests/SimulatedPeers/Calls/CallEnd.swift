package import PeerConnection
internal import RTP
internal import SDP
package import Wire

/// One end of a simulated call: a connection with its sockets, and the application above it.
package struct CallEnd {
    package let host: SimulatedInternet.HostID
    /// The index of the other end.
    package let partner: Int
    package internal(set) var sockets: [SocketAddress]
    package var connection: RTCPeerConnection
    var negotiation: PerfectNegotiation
    /// Whether `negotiationneeded` is acted on.
    var negotiatesByItself = true
    /// What the application has been told, in short.
    package internal(set) var connectionStates: [RTCPeerConnectionState] = []
    package internal(set) var errors: [RTCError] = []
    /// Packets that came since media were last asked about.
    var received: [TransceiverID: Int] = [:]
    /// How often the application has restarted ICE by itself, because the call had broken.
    package internal(set) var recoveries = 0
    /// When it does so next, unless the call has come back.
    var recoversAt: Instant?
    /// When the call was first up.
    package internal(set) var connectedAt: Instant?
    /// What was sent of each transceiver.
    var frames = 0
    /// The transceivers whose next picture is a key frame, for one was asked for.
    var keyFramesWanted: Set<TransceiverID> = []
    /// A channel that both ends make by themselves, in some calls, and the numbers that went over it.
    var channel: DataChannelID?
    var numbersSent = 0
    var numbersReceived = 0

    mutating func addChannel(at now: Instant) {
        do throws(RTCError) {
            channel = try connection.createDataChannel("", .init(negotiated: true, id: 0), at: now)
        } catch {
            errors.append(error)
        }
        (numbersSent, numbersReceived) = (0, 0)
    }

    /// Sends the next number, once the channel is open.
    mutating func sendNumber(at now: Instant) {
        guard let channel, connection.dataChannel(channel)?.readyState == .open else { return }
        do throws(RTCError) {
            try connection.send(.string("\(numbersSent)"), on: channel, at: now)
            numbersSent += 1
        } catch {
            errors.append(error)
        }
    }

    /// Takes a number: none may be missing before it.
    mutating func take(_ message: DataChannelMessage) {
        if message != .string("\(numbersReceived)") {
            errors.append(.operation("the message \(message) comes where \(numbersReceived) should"))
        }
        numbersReceived += 1
    }

    mutating func negotiate(at now: Instant) throws(RTCError) -> RTCSessionDescription? {
        try negotiation.negotiationNeeded(on: &connection, at: now)
    }

    package var isConnected: Bool { connection.connectionState == .connected }

    /// The transceivers of which media should come in, or should leave.
    var receiving: [RTCRtpTransceiver] {
        connection.allTransceivers.filter { $0.currentDirection?.receives == true && !$0.isStopped }
    }
    var sending: [RTCRtpTransceiver] {
        connection.allTransceivers.filter { $0.currentDirection?.sends == true && !$0.isStopped }
    }
}

extension PacketizedFrame {
    /// A picture of three packets, as fragments of one slice.
    static func simulatedPicture(_ number: Int, isKeyFrame: Bool, at now: Instant) -> PacketizedFrame {
        var storage: [UInt8] = []
        var ranges: [Range<Int>] = []
        for part in 0..<3 {
            let start = storage.count
            let header: UInt8 = part == 0 ? 0x85 : part == 2 ? 0x45 : 0x05
            storage += [0x7C, header, UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
            storage += [UInt8](repeating: UInt8(part), count: 500)
            ranges.append(start..<storage.count)
        }
        return PacketizedFrame(
            storage: storage, payloads: ranges, markedPayload: 2, timestamp: RTPTimestamp(now, clockRate: 90_000),
            captured: now, isKeyFrame: isKeyFrame)
    }

    static func simulatedSound(_ number: Int, at now: Instant) -> PacketizedFrame {
        PacketizedFrame(
            sound: [0xFC, UInt8(truncatingIfNeeded: number)], timestamp: RTPTimestamp(now, clockRate: 48_000),
            captured: now)
    }
}
