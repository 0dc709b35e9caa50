import ICE
import SDP
import Wire

/// The media description that the data channels go by (RFC 8841): one of a session.
struct DataSection {
    /// Its identification tag.
    var mid: String?
    /// Its place among the media descriptions.
    var index: Int

    static let format = "webrtc-datachannel"
}

extension MediaDescription {
    /// Whether it is for data channels as this side knows them (RFC 8841 §4; not the drafts' `DTLS/SCTP`).
    var isForDataChannels: Bool {
        kind == .application && (transportProtocol == Self.sctpProtocol || transportProtocol == "TCP/DTLS/SCTP")
            && otherFormats.contains(DataSection.format) && sctpPort != 0
    }

    /// The other side's SCTP port; where it says none, the one that everybody uses.
    fileprivate var effectiveSCTPPort: UInt16 { sctpPort ?? 5000 }
}

/// Negotiating data channels: RFC 8829 §5.2 and §5.3, RFC 8841.
extension RTCPeerConnection {
    /// Whether our next offer has a media description for data: the last exchange has one, or there is a channel that
    /// wants it.
    var offersData: Bool { channels.areWanted || dataSection != nil }

    /// W3C §4.7.3: "If connection has created any RTCDataChannels, and no m= section in description has been negotiated
    /// yet for data, return true."
    var needsDataNegotiation: Bool {
        guard channels.areWanted else { return false }
        guard let index = dataSection?.index, let local = negotiated.currentLocal?.session.media,
            let remote = negotiated.currentRemote?.session.media, local.indices.contains(index),
            remote.indices.contains(index)
        else { return true }
        return local[index].isRejected || remote[index].isRejected
    }

    func isDataSection(_ section: MediaDescription, at index: Int) -> Bool {
        section.isForDataChannels && dataSection?.index == index
    }

    /// Our media description for data, within an offer or an answer.
    func dataDescription(mid: String?) -> MediaDescription {
        var section = MediaDescription(kind: .application, transportProtocol: MediaDescription.sctpProtocol)
        section.mid = mid
        section.otherFormats = [DataSection.format]
        section.sctpPort = 5000
        section.maxMessageSize = UInt64(configuration.maximumMessageSize)
        return section
    }

    /// Finds the media description for data in the other side's offer: the one of the last exchange, else the first.
    mutating func associateData(in offer: SessionDescription) {
        if let index = dataSection?.index, offer.media.indices.contains(index), !offer.media[index].isRejected,
            offer.media[index].isForDataChannels
        {
            return
        }
        guard let index = offer.media.firstIndex(where: { !$0.isRejected && $0.isForDataChannels }) else {
            dataSection = nil
            return
        }
        let mid = offer.media[index].mid ?? makeMID(besides: offer.media.compactMap(\.mid))
        dataSection = DataSection(mid: mid, index: index)
    }

    /// Makes an exchange take effect for the data channels: their association begins, or ends.
    mutating func applyData(
        local: SessionDescription, remote: SessionDescription, plan: TransportPlan, offered: Bool, isFinal: Bool,
        at now: Instant
    ) {
        let index = dataSection?.index ?? .max
        if local.media.indices.contains(index), remote.media.indices.contains(index) {
            let (ours, theirs) = (local.media[index], remote.media[index])
            if !ours.isRejected, !theirs.isRejected, let id = plan[index], let transport = transport(id),
                let dtls = transport.dtls
            {
                channels.negotiated(
                    id, isDTLSServer: dtls.role == .server, remotePort: theirs.effectiveSCTPPort,
                    remoteMaximum: theirs.maxMessageSize, random: random, at: now)
                if transport.dtlsState == .connected { channels.connected(id, at: now) }
                return drainDataChannels(at: now)
            }
            // what a provisional answer rejects the final one may still accept
            guard isFinal else { return }
            // we may refuse what we want to offer by ourselves
            if offered { channels.refuse(at: now) }
        }
        dataSection = nil
        if channels.association != nil { channels.refuse(at: now) }
        drainDataChannels(at: now)
    }
}
