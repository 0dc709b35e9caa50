import Board
import Calls
import FoundationEssentials
import Identity
import Media
import PeerConnection
import Wire

/// The data channels between the pages' peers and the door's, and what is done at the door because of them.
extension Daemon {
    /// What the page calls its channel, and the protocol on it.
    private static let label = "doorward"

    func handle(channel event: ChannelEvent, of session: Session, at now: Instant) {
        guard case .call(let call) = session.viewer else { return }
        switch event {
        case .opened(let id):
            // one is enough: further ones, and others', are not heard
            guard session.channel == nil, session.peer.dataChannel(id)?.label == Self.label else { return }
            session.channel = id
            hub.handle(.channelOpened(call), at: now)
        case .closed(let id):
            guard session.channel == id else { return }
            session.channel = nil
            hub.handle(.channelClosed(call), at: now)
        case .message(let id, let message):
            guard session.channel == id else { return }
            take(message, on: call, at: now)
        }
    }

    private func take(_ message: DataChannelMessage, on call: CallID, at now: Instant) {
        do {
            guard case .string(let text) = message else { throw BadMessage("a message is text") }
            let bytes = Array(text.utf8)
            guard bytes.count <= MessageLimits.channelBytes else {
                throw BadMessage("the message has more than \(MessageLimits.channelBytes) bytes")
            }
            try BadMessage.check(bytes)
            hub.handle(.channelMessage(call, try JSONDecoder().decode(MemberMessage.self, from: Data(bytes))), at: now)
        } catch {
            hub.handle(.badChannelMessage(call, BadMessage(describing: error)), at: now)
        }
    }

    func send(_ message: ChannelMessage, on call: CallID, at now: Instant) {
        guard let session = calls[call].flatMap({ sessions[$0] }), let channel = session.channel else { return }
        do throws(RTCError) {
            try session.peer.send(.string(encodeAsJSON(message)), on: channel, at: now)
        } catch {
            // closing, or 16 MiB wait for a page that takes nothing: its own loss
            log.debug("peer \(session.id): a message on the data channel was dropped: \(error)")
        }
    }

    // MARK: Lock and light

    /// Does at the door what `party` wants.
    func actuate(_ control: DoorControl, _ call: CallID, messageID: String, by party: Party, at now: Instant) {
        let outcome =
            mayOperate(call)
            ? lines.actuate(control, at: now) : .refused(.notAllowed, "guests and programs open and switch nothing")
        hub.handle(.actuated(control, call, messageID: messageID, outcome), at: now)
        hub.handle(.controlsChanged(lines.controls), at: now)
    }

    /// Whether whoever is in `call` lives here.
    private func mayOperate(_ call: CallID) -> Bool {
        guard let doorkeeper, let caller = calls[call].flatMap({ sessions[$0] })?.caller else { return false }
        return doorkeeper.permissions(of: caller, at: .now).contains(.operate)
    }

    /// Opens the lock's and the light's lines where they are missing.
    func openDoorLines(isFirst: Bool, at now: Instant) {
        lines.open { name, outcome in
            switch outcome {
            case .success(let line): log.info("\(name): \(line.description)")
            case .failure(let error): if isFirst { log.warning("\(name): none, because \(error)") }
            }
        }
        if lines.isMissingLine { nextDeviceAttempt = now + Self.lineRetryInterval }
        hub.handle(.controlsChanged(lines.controls), at: now)
    }

    /// Locks again what was opened for a while.
    func advanceDoorLines(at now: Instant) {
        guard lines.deadline != nil else { return }
        do throws(DeviceError) {
            try lines.advance(at: now)
        } catch {
            log.warning("lock: \(error)")
            nextDeviceAttempt = now + Self.lineRetryInterval
        }
        hub.handle(.controlsChanged(lines.controls), at: now)
    }
}

/// What a peer tells of its data channels.
enum ChannelEvent {
    case opened(DataChannelID)
    case closed(DataChannelID)
    case message(DataChannelID, DataChannelMessage)
}
