import CLinux
import Calls
import Media
import PeerConnection
import Web
import Wire

/// What the daemon counts, as `GET /metrics` shows it to Prometheus.
extension Daemon {
    func metrics(at now: Instant) -> HTTPResponse {
        var metrics = MetricsText()
        writeProcess(to: &metrics, at: now)
        writeViewers(to: &metrics)
        writeVideo(to: &metrics)
        writeTraffic(to: &metrics)
        if let meeting { write(meeting, to: &metrics) }
        return HTTPResponse(
            status: 200,
            headers: [.init("Content-Type", MetricsText.contentType), .init("Cache-Control", "no-store")],
            body: Array(metrics.text.utf8))
    }

    private func writeProcess(to metrics: inout MetricsText, at now: Instant) {
        metrics.gauge("doorward_uptime_seconds", "How long the daemon has run.", (now - startedAt).inSeconds)
        metrics.counter(
            "doorward_cpu_seconds_total", "Processor time of the whole daemon.",
            Duration.nanoseconds(linux_process_cpu_nanoseconds()).inSeconds)
        metrics.gauge("doorward_resident_bytes", "Resident memory.", linux_resident_bytes())
        metrics.gauge("doorward_ringing", "1 while it rings.", hub.isRinging ? 1 : 0)
    }

    private func writeViewers(to metrics: inout MetricsText) {
        metrics.gauge("doorward_pages", "Pages that are open.", hub.viewerCount)
        metrics.gauge(
            "doorward_viewers", "Connections with viewers.", by: "kind",
            [("call", calls.count), ("whep", players.count), ("whip", publisher?.session == nil ? 0 : 1)])
        metrics.gauge(
            "doorward_connected_viewers", "Viewers to whom media goes.",
            sessions.values.count { $0.isConnected })
    }

    private func write(_ meeting: MeetingPoint, to metrics: inout MetricsText) {
        metrics.gauge(
            "doorward_meeting_connected", "1 while the door is connected to the meeting point.",
            meeting.isConnected ? 1 : 0)
        metrics.counter(
            "doorward_meeting_connections_total", "Connections to the meeting point that came about.",
            meeting.connections)
        metrics.gauge(
            "doorward_meeting_pages", "Pages that are there by way of the meeting point.", meeting.pageCount)
        metrics.counter(
            "doorward_meeting_discards_total", "What came by way of the meeting point and was discarded.", by: "reason",
            meeting.discards.map { ($0.label, UInt64($0.value)) })
    }

    private func writeVideo(to metrics: inout MetricsText) {
        let counters = Encoding.allCases.compactMap { video?[$0].counters }
        func sum(_ value: (EncodingLine.Counters) -> Int) -> Int { counters.reduce(0) { $0 + value($1) } }
        metrics.counter(
            "doorward_frames_captured_total", "Pictures taken from the camera while somebody watched.",
            video?.capturedCount ?? 0)
        metrics.counter(
            "doorward_frames_encoded_total", "Pictures encoded, or passed on encoded, of all encodes.",
            sum { $0.encoded })
        metrics.counter(
            "doorward_frames_dropped_total", "Pictures that an encoder had no time for.", sum { $0.dropped })
        metrics.counter("doorward_key_frames_total", "Of the pictures encoded, key frames.", sum { $0.keyFrames })
        metrics.counter(
            "doorward_encoder_cpu_seconds_total", "Processor time of the encoders alone.",
            counters.reduce(0) { $0 + $1.encodeCPU.inSeconds })
        metrics.histogram(
            "doorward_frame_capture_to_send_seconds",
            "How old a picture was when the kernel had its first and its last packet, for each viewer.", by: "packet",
            [("first", sockets.departures.first), ("last", sockets.departures.last)])
    }

    private func writeTraffic(to metrics: inout MetricsText) {
        var traffic = departed
        for session in sessions.values { traffic.add(session.peer) }
        metrics.counter(
            "doorward_rtp_packets_sent_total", "RTP packets sent, retransmissions among them.", traffic.packetsSent)
        metrics.counter("doorward_rtp_bytes_sent_total", "Their payload.", traffic.bytesSent)
        metrics.counter(
            "doorward_rtp_retransmissions_total", "RTP packets sent again.", traffic.retransmissions)
        metrics.counter("doorward_rtp_packets_received_total", "RTP packets received.", traffic.packetsReceived)
        metrics.counter(
            "doorward_discards_total", "What came from peers and was discarded.", by: "reason",
            traffic.discards.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        metrics.counter("doorward_datagrams_received_total", "UDP datagrams received.", sockets.counters.received)
        metrics.counter(
            "doorward_strangers_total", "Datagrams that belong to no peer.", sockets.counters.strangers)
        metrics.counter(
            "doorward_unsent_datagrams_total", "Datagrams that the kernel did not take.", sockets.counters.unsent)
    }
}
