// `import PeerConnection` is all that a program needs: it names the rooms' types in its own signatures, so that whoever
// uses them would have to import every room by hand.
@_exported public import DTLS
@_exported public import ICE
@_exported public import RTP
@_exported public import SCTP
@_exported public import SDP
@_exported public import Wire
