import Calls
import Media
import PeerConnection
import Web
import Wire

/// A single picture, for programs by HTTP and for viewers by their data channel.
extension Daemon {
    /// Answers with the next picture as a JPEG file; 503 where there is none, and where what the camera encodes itself is
    /// passed on, which nobody here decodes.
    func takeSnapshot(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let video else { return Self.noPicture }
        let id = visit.id
        video.snapshots.add { [loop] file in
            loop.submit { daemon in
                let picture = file.map { HTTPResponse.file($0, type: "image/jpeg") }
                daemon.web?.respond(to: id, with: picture ?? Self.noPicture)
            }
        }
        return nil
    }

    /// Sends the next picture to the page in `call`, in messages that every browser takes.
    func sendSnapshot(on call: CallID, messageID: String) {
        guard let video else { return tell(call, .refused(.failed, "there is no camera"), of: messageID) }
        video.snapshots.add { [loop] file in
            loop.submit { $0.send(file, on: call, messageID: messageID, at: MonotonicClock.now) }
        }
    }

    private func send(_ file: [UInt8]?, on call: CallID, messageID: String, at now: Instant) {
        guard let file else {
            return tell(call, .refused(.failed, "there is no picture now, or none that is not encoded"), of: messageID)
        }
        guard let session = calls[call].flatMap({ sessions[$0] }), let channel = session.channel else { return }
        do throws(RTCError) {
            guard session.peer.dataChannel(channel)?.bufferedAmount ?? 0 <= Self.longestSnapshotQueue else {
                return tell(call, .refused(.tooFast, "earlier pictures are still on their way"), of: messageID)
            }
            let head = ChannelMessage.snapshot(id: messageID, mimeType: "image/jpeg", size: file.count)
            try session.peer.send(.string(encodeAsJSON(head)), on: channel, at: now)
            for start in stride(from: 0, to: file.count, by: Self.snapshotPart) {
                let part = file[start..<min(start + Self.snapshotPart, file.count)]
                try session.peer.send(.binary(Array(part)), on: channel, at: now)
            }
            tell(call, .done, of: messageID)
        } catch {
            tell(call, .refused(.failed, error.description), of: messageID)
        }
    }

    private func tell(_ call: CallID, _ outcome: ControlOutcome, of messageID: String) {
        hub.handle(.snapshotTaken(call, messageID: messageID, outcome), at: MonotonicClock.now)
    }

    /// Bytes of a message; longer ones would keep chat and controls waiting.
    private static let snapshotPart = 16_384
    /// With more bytes than this waiting for the page, it gets no further picture.
    private static let longestSnapshotQueue = 1 << 20

    private static let noPicture = HTTPResponse.failure(
        503, "no_picture", "There is no picture now, or none that is not encoded already.")
}
