/// What browsers offered when asked to: a data channel, an audio track, and to receive video.
package enum BrowserOffers {
    /// Chromium 156's offer.
    package static let chromium = """
        v=0
        o=- 8579502088381128288 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1 2
        a=extmap-allow-mixed
        a=msid-semantic: WMS e131b2e0-c5b2-4c07-a624-0cf3dfe2c6b6
        m=video 58228 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 35 36 37 38 102 103 104 107 108 109 114 115 116 117 39 40 41 42 43 44 45 46 47 48 118 119 120 49
        c=IN IP4 192.0.2.2
        a=rtcp:9 IN IP4 0.0.0.0
        a=candidate:1720991061 1 udp 2122194687 192.0.2.2 58228 typ host generation 0 network-id 1
        a=candidate:1642484197 1 udp 2122265343 fd00::2 39417 typ host generation 0 network-id 2
        a=candidate:408674253 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
        a=candidate:522826621 1 tcp 1518285567 fd00::2 9 typ host tcptype active generation 0 network-id 2
        a=ice-ufrag:Td02
        a=ice-pwd:oowruaLUO1ltzFa2jOdw8Nqc
        a=ice-options:trickle
        a=fingerprint:sha-256 D5:B0:3E:91:24:28:06:82:57:82:2F:49:8A:08:AC:D1:86:41:DA:7A:6E:8A:0A:A9:68:8B:10:97:B1:FA:84:A0
        a=setup:actpass
        a=mid:0
        a=extmap:1 urn:ietf:params:rtp-hdrext:toffset
        a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
        a=extmap:3 urn:3gpp:video-orientation
        a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
        a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type
        a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing
        a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space
        a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
        a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
        a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
        a=recvonly
        a=rtcp-mux
        a=rtcp-rsize
        a=rtcp-xr:rcvr-rtt=all
        a=rtpmap:96 VP8/90000
        a=rtcp-fb:96 goog-remb
        a=rtcp-fb:96 transport-cc
        a=rtcp-fb:96 ccm fir
        a=rtcp-fb:96 nack
        a=rtcp-fb:96 nack pli
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96
        a=rtpmap:98 VP9/90000
        a=rtcp-fb:98 goog-remb
        a=rtcp-fb:98 transport-cc
        a=rtcp-fb:98 ccm fir
        a=rtcp-fb:98 nack
        a=rtcp-fb:98 nack pli
        a=fmtp:98 profile-id=0
        a=rtpmap:99 rtx/90000
        a=fmtp:99 apt=98
        a=rtpmap:100 VP9/90000
        a=rtcp-fb:100 goog-remb
        a=rtcp-fb:100 transport-cc
        a=rtcp-fb:100 ccm fir
        a=rtcp-fb:100 nack
        a=rtcp-fb:100 nack pli
        a=fmtp:100 profile-id=2
        a=rtpmap:101 rtx/90000
        a=fmtp:101 apt=100
        a=rtpmap:35 VP9/90000
        a=rtcp-fb:35 goog-remb
        a=rtcp-fb:35 transport-cc
        a=rtcp-fb:35 ccm fir
        a=rtcp-fb:35 nack
        a=rtcp-fb:35 nack pli
        a=fmtp:35 profile-id=1
        a=rtpmap:36 rtx/90000
        a=fmtp:36 apt=35
        a=rtpmap:37 VP9/90000
        a=rtcp-fb:37 goog-remb
        a=rtcp-fb:37 transport-cc
        a=rtcp-fb:37 ccm fir
        a=rtcp-fb:37 nack
        a=rtcp-fb:37 nack pli
        a=fmtp:37 profile-id=3
        a=rtpmap:38 rtx/90000
        a=fmtp:38 apt=37
        a=rtpmap:102 H264/90000
        a=rtcp-fb:102 goog-remb
        a=rtcp-fb:102 transport-cc
        a=rtcp-fb:102 ccm fir
        a=rtcp-fb:102 nack
        a=rtcp-fb:102 nack pli
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
        a=rtpmap:103 rtx/90000
        a=fmtp:103 apt=102
        a=rtpmap:104 H264/90000
        a=rtcp-fb:104 goog-remb
        a=rtcp-fb:104 transport-cc
        a=rtcp-fb:104 ccm fir
        a=rtcp-fb:104 nack
        a=rtcp-fb:104 nack pli
        a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
        a=rtpmap:107 rtx/90000
        a=fmtp:107 apt=104
        a=rtpmap:108 H264/90000
        a=rtcp-fb:108 goog-remb
        a=rtcp-fb:108 transport-cc
        a=rtcp-fb:108 ccm fir
        a=rtcp-fb:108 nack
        a=rtcp-fb:108 nack pli
        a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
        a=rtpmap:109 rtx/90000
        a=fmtp:109 apt=108
        a=rtpmap:114 H264/90000
        a=rtcp-fb:114 goog-remb
        a=rtcp-fb:114 transport-cc
        a=rtcp-fb:114 ccm fir
        a=rtcp-fb:114 nack
        a=rtcp-fb:114 nack pli
        a=fmtp:114 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
        a=rtpmap:115 rtx/90000
        a=fmtp:115 apt=114
        a=rtpmap:116 H264/90000
        a=rtcp-fb:116 goog-remb
        a=rtcp-fb:116 transport-cc
        a=rtcp-fb:116 ccm fir
        a=rtcp-fb:116 nack
        a=rtcp-fb:116 nack pli
        a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
        a=rtpmap:117 rtx/90000
        a=fmtp:117 apt=116
        a=rtpmap:39 H264/90000
        a=rtcp-fb:39 goog-remb
        a=rtcp-fb:39 transport-cc
        a=rtcp-fb:39 ccm fir
        a=rtcp-fb:39 nack
        a=rtcp-fb:39 nack pli
        a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f
        a=rtpmap:40 rtx/90000
        a=fmtp:40 apt=39
        a=rtpmap:41 H264/90000
        a=rtcp-fb:41 goog-remb
        a=rtcp-fb:41 transport-cc
        a=rtcp-fb:41 ccm fir
        a=rtcp-fb:41 nack
        a=rtcp-fb:41 nack pli
        a=fmtp:41 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f4001f
        a=rtpmap:42 rtx/90000
        a=fmtp:42 apt=41
        a=rtpmap:43 H264/90000
        a=rtcp-fb:43 goog-remb
        a=rtcp-fb:43 transport-cc
        a=rtcp-fb:43 ccm fir
        a=rtcp-fb:43 nack
        a=rtcp-fb:43 nack pli
        a=fmtp:43 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=f4001f
        a=rtpmap:44 rtx/90000
        a=fmtp:44 apt=43
        a=rtpmap:45 AV1/90000
        a=rtcp-fb:45 goog-remb
        a=rtcp-fb:45 transport-cc
        a=rtcp-fb:45 ccm fir
        a=rtcp-fb:45 nack
        a=rtcp-fb:45 nack pli
        a=fmtp:45 level-idx=5;profile=0;tier=0
        a=rtpmap:46 rtx/90000
        a=fmtp:46 apt=45
        a=rtpmap:47 AV1/90000
        a=rtcp-fb:47 goog-remb
        a=rtcp-fb:47 transport-cc
        a=rtcp-fb:47 ccm fir
        a=rtcp-fb:47 nack
        a=rtcp-fb:47 nack pli
        a=fmtp:47 level-idx=5;profile=1;tier=0
        a=rtpmap:48 rtx/90000
        a=fmtp:48 apt=47
        a=rtpmap:118 red/90000
        a=rtpmap:119 rtx/90000
        a=fmtp:119 apt=118
        a=rtpmap:120 ulpfec/90000
        a=rtpmap:49 flexfec-03/90000
        a=rtcp-fb:49 goog-remb
        a=rtcp-fb:49 transport-cc
        a=fmtp:49 repair-window=10000000
        m=audio 56761 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
        c=IN IP4 192.0.2.2
        a=rtcp:9 IN IP4 0.0.0.0
        a=candidate:1720991061 1 udp 2122194687 192.0.2.2 56761 typ host generation 0 network-id 1
        a=candidate:1642484197 1 udp 2122265343 fd00::2 58418 typ host generation 0 network-id 2
        a=candidate:408674253 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
        a=candidate:522826621 1 tcp 1518285567 fd00::2 9 typ host tcptype active generation 0 network-id 2
        a=ice-ufrag:Td02
        a=ice-pwd:oowruaLUO1ltzFa2jOdw8Nqc
        a=ice-options:trickle
        a=fingerprint:sha-256 D5:B0:3E:91:24:28:06:82:57:82:2F:49:8A:08:AC:D1:86:41:DA:7A:6E:8A:0A:A9:68:8B:10:97:B1:FA:84:A0
        a=setup:actpass
        a=mid:1
        a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
        a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
        a=sendrecv
        a=msid:e131b2e0-c5b2-4c07-a624-0cf3dfe2c6b6 7dc06588-cce8-4b05-bffc-1385e68ff71e
        a=rtcp-mux
        a=rtcp-rsize
        a=rtcp-xr:rcvr-rtt=all
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:63 red/48000/2
        a=fmtp:63 111/111
        a=rtpmap:9 G722/8000
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:13 CN/8000
        a=rtpmap:110 telephone-event/48000
        a=rtpmap:126 telephone-event/8000
        a=ssrc:3981777895 cname:/q42mM0CAGnf8hIB
        a=ssrc:3981777895 msid:e131b2e0-c5b2-4c07-a624-0cf3dfe2c6b6 7dc06588-cce8-4b05-bffc-1385e68ff71e
        m=application 42297 UDP/DTLS/SCTP webrtc-datachannel
        c=IN IP4 192.0.2.2
        a=candidate:1720991061 1 udp 2122194687 192.0.2.2 42297 typ host generation 0 network-id 1
        a=candidate:1642484197 1 udp 2122265343 fd00::2 58564 typ host generation 0 network-id 2
        a=candidate:408674253 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
        a=candidate:522826621 1 tcp 1518285567 fd00::2 9 typ host tcptype active generation 0 network-id 2
        a=ice-ufrag:Td02
        a=ice-pwd:oowruaLUO1ltzFa2jOdw8Nqc
        a=ice-options:trickle
        a=fingerprint:sha-256 D5:B0:3E:91:24:28:06:82:57:82:2F:49:8A:08:AC:D1:86:41:DA:7A:6E:8A:0A:A9:68:8B:10:97:B1:FA:84:A0
        a=setup:actpass
        a=mid:2
        a=sctp-port:5000
        a=max-message-size:262144

        """

    /// Firefox 153's offer.
    package static let firefox = """
        v=0
        o=mozilla...THIS_IS_SDPARTA-99.0 5905688532384531516 0 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=sendrecv
        a=fingerprint:sha-256 96:F3:AB:80:03:58:21:EB:5B:91:81:59:4B:2E:A3:4A:19:9D:00:27:E8:17:CF:B5:38:6B:DB:55:C9:09:BC:6D
        a=group:BUNDLE 0 1 2
        a=ice-options:trickle
        a=msid-semantic:WMS *
        m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 98 105 106 103 104 99 100 123 122 119
        c=IN IP4 0.0.0.0
        a=candidate:0 1 UDP 2122187007 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 43267 typ host
        a=candidate:1 1 UDP 2122252543 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 40227 typ host
        a=candidate:2 1 TCP 2105458943 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 9 typ host tcptype active
        a=candidate:3 1 TCP 2105524479 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 9 typ host tcptype active
        a=candidate:0 2 UDP 2122187006 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 39437 typ host
        a=candidate:1 2 UDP 2122252542 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 50614 typ host
        a=candidate:2 2 TCP 2105458942 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 9 typ host tcptype active
        a=candidate:3 2 TCP 2105524478 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 9 typ host tcptype active
        a=recvonly
        a=end-of-candidates
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
        a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
        a=extmap:5 urn:ietf:params:rtp-hdrext:toffset
        a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
        a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap-allow-mixed
        a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1
        a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1
        a=fmtp:105 profile-level-id=42001f;level-asymmetry-allowed=1;packetization-mode=1
        a=fmtp:103 profile-level-id=42001f;level-asymmetry-allowed=1
        a=fmtp:120 max-fs=12288;max-fr=60
        a=fmtp:124 apt=120
        a=fmtp:121 max-fs=12288;max-fr=60
        a=fmtp:125 apt=121
        a=fmtp:127 apt=126
        a=fmtp:98 apt=97
        a=fmtp:106 apt=105
        a=fmtp:104 apt=103
        a=fmtp:100 apt=99
        a=fmtp:119 apt=122
        a=ice-pwd:bdb82fd4f9add5f6766c78184b9a9d08
        a=ice-ufrag:757eef67
        a=mid:0
        a=rtcp:39437 IN IP4 ca6dfa69-33e3-49dd-9289-31e5abd94150.local
        a=rtcp-fb:120 nack
        a=rtcp-fb:120 nack pli
        a=rtcp-fb:120 ccm fir
        a=rtcp-fb:120 goog-remb
        a=rtcp-fb:120 transport-cc
        a=rtcp-fb:121 nack
        a=rtcp-fb:121 nack pli
        a=rtcp-fb:121 ccm fir
        a=rtcp-fb:121 goog-remb
        a=rtcp-fb:121 transport-cc
        a=rtcp-fb:126 nack
        a=rtcp-fb:126 nack pli
        a=rtcp-fb:126 ccm fir
        a=rtcp-fb:126 goog-remb
        a=rtcp-fb:126 transport-cc
        a=rtcp-fb:97 nack
        a=rtcp-fb:97 nack pli
        a=rtcp-fb:97 ccm fir
        a=rtcp-fb:97 goog-remb
        a=rtcp-fb:97 transport-cc
        a=rtcp-fb:105 nack
        a=rtcp-fb:105 nack pli
        a=rtcp-fb:105 ccm fir
        a=rtcp-fb:105 goog-remb
        a=rtcp-fb:105 transport-cc
        a=rtcp-fb:103 nack
        a=rtcp-fb:103 nack pli
        a=rtcp-fb:103 ccm fir
        a=rtcp-fb:103 goog-remb
        a=rtcp-fb:103 transport-cc
        a=rtcp-fb:99 nack
        a=rtcp-fb:99 nack pli
        a=rtcp-fb:99 ccm fir
        a=rtcp-fb:99 goog-remb
        a=rtcp-fb:99 transport-cc
        a=rtcp-fb:123 nack
        a=rtcp-fb:123 nack pli
        a=rtcp-fb:123 ccm fir
        a=rtcp-fb:123 goog-remb
        a=rtcp-fb:123 transport-cc
        a=rtcp-fb:122 nack
        a=rtcp-fb:122 nack pli
        a=rtcp-fb:122 ccm fir
        a=rtcp-fb:122 goog-remb
        a=rtcp-fb:122 transport-cc
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:120 VP8/90000
        a=rtpmap:124 rtx/90000
        a=rtpmap:121 VP9/90000
        a=rtpmap:125 rtx/90000
        a=rtpmap:126 H264/90000
        a=rtpmap:127 rtx/90000
        a=rtpmap:97 H264/90000
        a=rtpmap:98 rtx/90000
        a=rtpmap:105 H264/90000
        a=rtpmap:106 rtx/90000
        a=rtpmap:103 H264/90000
        a=rtpmap:104 rtx/90000
        a=rtpmap:99 AV1/90000
        a=rtpmap:100 rtx/90000
        a=rtpmap:123 ulpfec/90000
        a=rtpmap:122 red/90000
        a=rtpmap:119 rtx/90000
        a=setup:actpass
        a=ssrc:836637919 cname:{10998f46-a644-45c6-814c-0f95fb536787}
        m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
        c=IN IP4 0.0.0.0
        a=candidate:0 1 UDP 2122187007 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 59362 typ host
        a=candidate:1 1 UDP 2122252543 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 34535 typ host
        a=candidate:2 1 TCP 2105458943 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 9 typ host tcptype active
        a=candidate:3 1 TCP 2105524479 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 9 typ host tcptype active
        a=candidate:0 2 UDP 2122187006 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 53664 typ host
        a=candidate:1 2 UDP 2122252542 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 33740 typ host
        a=candidate:2 2 TCP 2105458942 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 9 typ host tcptype active
        a=candidate:3 2 TCP 2105524478 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 9 typ host tcptype active
        a=sendrecv
        a=end-of-candidates
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
        a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap-allow-mixed
        a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
        a=fmtp:101 0-15
        a=ice-pwd:bdb82fd4f9add5f6766c78184b9a9d08
        a=ice-ufrag:757eef67
        a=mid:1
        a=msid:{54da7e2f-c1c6-41f5-9193-fa23a047da90} {2e4697d2-ae60-4dba-8a5b-9ef0fd39f002}
        a=rtcp:53664 IN IP4 ca6dfa69-33e3-49dd-9289-31e5abd94150.local
        a=rtcp-fb:109 transport-cc
        a=rtcp-fb:9 transport-cc
        a=rtcp-fb:0 transport-cc
        a=rtcp-fb:8 transport-cc
        a=rtcp-mux
        a=rtpmap:109 opus/48000/2
        a=rtpmap:9 G722/8000/1
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:101 telephone-event/8000
        a=setup:actpass
        a=ssrc:2338691016 cname:{10998f46-a644-45c6-814c-0f95fb536787}
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel
        c=IN IP4 0.0.0.0
        a=candidate:0 1 UDP 2122187007 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 51156 typ host
        a=candidate:1 1 UDP 2122252543 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 36205 typ host
        a=candidate:2 1 TCP 2105458943 ca6dfa69-33e3-49dd-9289-31e5abd94150.local 9 typ host tcptype active
        a=candidate:3 1 TCP 2105524479 093f32d6-0069-4a2a-b8e3-d6cb8301e1ca.local 9 typ host tcptype active
        a=sendrecv
        a=end-of-candidates
        a=ice-pwd:bdb82fd4f9add5f6766c78184b9a9d08
        a=ice-ufrag:757eef67
        a=mid:2
        a=setup:actpass
        a=sctp-port:5000
        a=max-message-size:1073741823

        """

    /// Both, as they go over the wire.
    package static let all = [chromium, firefox].map { $0.split(separator: "\n").map { $0 + "\r\n" }.joined() }
}
