import DTLS
import SCTP
import SDP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// Two peers with data channels under a virtual clock: the page (polite) makes them, the door (impolite) gets them.
final class DataCall {
    let simulation: Simulation

    /// Two peers that have not spoken yet.
    init(
        seed: UInt64 = 1, _ conditions: PathConditions = .perfect, policy: RTCBundlePolicy = .maxBundle,
        configure: (inout RTCPeerConnection.Configuration, Simulation.Side) -> Void = { _, _ in }
    ) {
        simulation = Simulation(seed: seed, conditions: conditions, policy: policy, configure: configure)
    }

    var page: RTCPeerConnection { simulation[.polite].peer }
    var door: RTCPeerConnection { simulation[.impolite].peer }

    @discardableResult
    func create(
        _ label: String = "", _ options: RTCDataChannelInit = .init(), on side: Simulation.Side = .polite
    ) throws -> DataChannelID {
        try simulation.act(side) { endpoint, now in try endpoint.peer.createDataChannel(label, options, at: now) }
    }

    func send(_ message: DataChannelMessage, on channel: DataChannelID, by side: Simulation.Side = .polite) throws {
        try simulation.act(side) { endpoint, now in try endpoint.peer.send(message, on: channel, at: now) }
    }

    func close(_ channel: DataChannelID, by side: Simulation.Side = .polite) {
        simulation.act(side) { endpoint, now in endpoint.peer.closeDataChannel(channel, at: now) }
    }

    /// Runs until both associations are there.
    func connect() throws {
        let areConnected = simulation.run(for: .seconds(20)) { simulation in
            Simulation.Side.allCases.allSatisfy { simulation[$0].peer.sctp?.state == .connected }
        }
        try #require(areConnected)
    }

    /// A channel that the page makes, open on both sides: the page's name of it, and the door's.
    func pair(
        _ label: String = "", _ options: RTCDataChannelInit = .init()
    ) throws -> (page: DataChannelID, door: DataChannelID) {
        let ours = try create(label, options)
        let known = simulation[.impolite].remoteChannels.count
        try #require(simulation.run(for: .seconds(20)) { $0[.impolite].remoteChannels.count > known })
        return (ours, simulation[.impolite].remoteChannels[known])
    }

    /// Channels that both sides make by themselves.
    func negotiatedPair(
        _ id: UInt16, _ options: RTCDataChannelInit = .init()
    ) throws -> (page: DataChannelID, door: DataChannelID) {
        var options = options
        options.negotiated = true
        options.id = id
        let pair = (page: try create("", options), door: try create("", options, on: .impolite))
        try connect()
        return pair
    }

    /// Waits for so many messages on a channel; those that have come.
    func messages(
        _ count: Int, on channel: DataChannelID, of side: Simulation.Side, within limit: Duration = .seconds(60)
    ) -> [DataChannelMessage] {
        simulation.run(for: limit) { $0[side].messages[channel, default: []].count >= count }
        return simulation[side].messages[channel] ?? []
    }

    func state(_ channel: DataChannelID, of side: Simulation.Side = .polite) -> RTCDataChannelState? {
        simulation[side].peer.dataChannel(channel)?.readyState
    }

    /// Has the page send what its peer would not: a message of SCTP on any stream.
    func inject(_ message: SCTPMessage) throws {
        try simulation.act(.polite) { page, now in
            try page.peer.channels.association?.sctp.send(message, at: now)
            page.peer.channels.drain(at: now)
            page.peer.drainDataChannels(at: now)
            page.peer.drainTransports(at: now)
        }
        simulation.run(for: .milliseconds(200))
    }
}
