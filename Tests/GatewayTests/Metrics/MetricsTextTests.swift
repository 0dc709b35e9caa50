import Testing
import Wire

@testable import Gateway

@Suite struct MetricsTextTests {
    @Test func `Counters and gauges are written as Prometheus reads them`() {
        var metrics = MetricsText()
        metrics.counter("door_frames_total", "Frames.", 12)
        metrics.gauge("door_seconds", "Age.", 1.5)
        metrics.counter("door_discards_total", "Discards.", by: "reason", [("a\"b\\c\nd", 3), ("e", 0)])
        metrics.gauge("door_viewers", "Viewers.", by: "kind", [])
        #expect(
            metrics.text == #"""
                # HELP door_frames_total Frames.
                # TYPE door_frames_total counter
                door_frames_total 12
                # HELP door_seconds Age.
                # TYPE door_seconds gauge
                door_seconds 1.5
                # HELP door_discards_total Discards.
                # TYPE door_discards_total counter
                door_discards_total{reason="a\"b\\c\nd"} 3
                door_discards_total{reason="e"} 0
                # HELP door_viewers Viewers.
                # TYPE door_viewers gauge

                """#)
    }

    @Test func `A histogram's buckets add up to its count`() {
        var histogram = LatencyHistogram()
        for milliseconds in [4, 5, 6, 2_000] { histogram.record(.milliseconds(milliseconds)) }
        var metrics = MetricsText()
        metrics.histogram("door_age_seconds", "Age.", by: "packet", [("first", histogram)])
        let lines = metrics.text.split(separator: "\n").map(String.init)
        #expect(lines[1] == "# TYPE door_age_seconds histogram")
        #expect(lines.contains(#"door_age_seconds_bucket{packet="first",le="0.003"} 0"#))
        #expect(lines.contains(#"door_age_seconds_bucket{packet="first",le="0.005"} 2"#))
        #expect(lines.contains(#"door_age_seconds_bucket{packet="first",le="1.0"} 3"#))
        #expect(lines.contains(#"door_age_seconds_bucket{packet="first",le="+Inf"} 4"#))
        #expect(lines.contains(#"door_age_seconds_sum{packet="first"} 2.015"#))
        #expect(lines.last == #"door_age_seconds_count{packet="first"} 4"#)
    }
}
