import Wire

/// What happened, for the hub to act on.
public enum HubInput: Hashable, Sendable {
    /// A page opened its WebSocket; `participant` is new (`ParticipantID.random`).
    case viewerConnected(ParticipantID)
    /// A page's WebSocket closed.
    case viewerDisconnected(ParticipantID)
    /// A page's WebSocket was closed because whoever opened it may no longer come in: nothing waits for him.
    case viewerExpelled(ParticipantID)
    /// A page sent a message.
    case message(ParticipantID, ViewerMessage)
    /// A page sent what is no message.
    case badMessage(ParticipantID, BadMessage)
    /// The door's button was pressed at `wallClock`, in milliseconds since 1970.
    case buttonPressed(wallClock: Int64)
    /// The door's peer has something for the viewer of the call.
    case negotiation(CallID, NegotiationStep)
    /// The door's peer could not use what the viewer sent. The call goes on.
    case negotiationFailed(CallID, String)
    /// The call's media connection came about.
    case peerConnected(CallID)
    /// The viewer closed the call's media connection: he hangs up, or his page is loaded anew.
    case peerClosed(CallID)
    /// The call's media connection failed for good.
    case peerFailed(CallID, String)
    /// Whoever is in the call may no longer be.
    case callRevoked(CallID)
    /// A device of the door changed its state.
    case devicesChanged(DoorDevices)
    /// The owner changed settings. The servers of these are not looked at: `iceServersChanged` tells of others.
    case settingsChanged(CallHub.Configuration)
    /// The servers for the pages' peer connections, or the credentials there, are others now.
    case iceServersChanged([ICEServer])
    /// The number of WHEP players changed.
    case watchersChanged(Int)
    /// The data channel between the viewer's peer and the door's opened.
    case channelOpened(CallID)
    /// It closed.
    case channelClosed(CallID)
    /// A page sent a message on it.
    case channelMessage(CallID, MemberMessage)
    /// A page sent on it what is no message.
    case badChannelMessage(CallID, BadMessage)
    /// What there is to control at the door, or how it stands, is another.
    case controlsChanged(DoorControls)
    /// What became of an `actuate`.
    case actuated(DoorControl, CallID, messageID: String, ControlOutcome)
    /// What became of a `takeSnapshot`.
    case snapshotTaken(CallID, messageID: String, ControlOutcome)
    /// The daemon is stopping.
    case shutdown
    /// Time passed; nothing else happened.
    case timePassed
}

/// What the hub wants done.
public enum HubOutput: Hashable, Sendable {
    /// Send this message to this page.
    case send(DoorMessage, to: ParticipantID)
    /// Close the WebSocket of a page that broke the rules; the hub has forgotten it.
    case disconnect(ParticipantID, String)
    /// Make the door's peer for this call with this viewer.
    case startSession(CallID, ParticipantID)
    /// End the door's peer of this call; told once for every `startSession`.
    case endSession(CallID, EndReason)
    /// Give this to the door's peer of the call.
    case deliver(CallID, NegotiationStep)
    /// Send this on the data channel of this call.
    case sendOnChannel(ChannelMessage, CallID)
    /// Do this at the door, and tell what became of it by `actuated`.
    case actuate(DoorControl, CallID, messageID: String, by: Party)
    /// Send the picture as it is now on the data channel of this call, and tell what became of it by `snapshotTaken`.
    case takeSnapshot(CallID, messageID: String)
    /// The ring began or ended; a status light or a chime follows it.
    case ringingChanged(Bool)
    /// Something worth a line in the log.
    case log(HubEvent)
}

/// What the log tells of the hub.
public enum HubEvent: Hashable, Sendable {
    /// A page opened.
    case viewerJoined(ParticipantID)
    /// A page closed.
    case viewerLeft(Party)
    /// The button was pressed and rings this many pages.
    case rang(CallID, viewers: Int)
    /// The button was pressed while it was ringing.
    case pressedWhileRinging(CallID)
    /// Someone declined.
    case declined(CallID, by: Party)
    /// A viewer calls another, whose page rings.
    case viewerRang(CallID, from: Party, to: Party)
    /// The viewer called answered, so long after his page began to ring.
    case viewerAnswered(CallID, by: Party, after: Duration)
    /// Someone answered, so long after the press.
    case answered(CallID, by: Party, after: Duration)
    /// The ring ended without an answer.
    case ringEnded(CallID, EndReason)
    /// A call with the door began.
    case callStarted(CallID, with: Party)
    /// The call's media connection came about, so long after the call began.
    case callConnected(CallID, after: Duration)
    /// Somebody in a call lost his connection; the call waits for him.
    case callInterrupted(CallID, with: Party)
    /// He came back; `keepsMedia` where nothing is negotiated anew.
    case callResumed(CallID, with: Party, keepsMedia: Bool)
    /// A call ended.
    case callEnded(CallID, with: Party, EndReason, detail: String?, duration: Duration)
    /// A call between two viewers is over, so long after it was accepted; nil where it was not.
    case directCallEnded(CallID, Party, Party, EndReason, duration: Duration?)
    /// Somebody saw the missed rings; so many are left.
    case missedSeen(by: Party, left: Int)
    /// Somebody wanted something done at the door.
    case controlled(DoorControl, by: Party, ControlOutcome)
    /// A page sent something wrong and was told so.
    case refused(ParticipantID, CallErrorCode, String)
    /// A page sent messages faster than anyone may.
    case flooded(ParticipantID)
}
