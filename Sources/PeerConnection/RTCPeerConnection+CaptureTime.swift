public import RTP

extension RTCPeerConnection {
    /// When, by the other side's clock, that was captured which bears `timestamp` on `transceiver`; nil before its first
    /// sender report. RFC 3550 §6.4.1: a report's two timestamps tell the same time, one in each clock.
    public func captureTime(of timestamp: RTPTimestamp, on transceiver: TransceiverID) -> NTPTime? {
        for stream in media.streams.values where stream.incoming.transceiver == transceiver {
            guard let (report, _) = stream.receiver.lastSenderReport else { continue }
            let ticks = Int64(Int32(bitPattern: timestamp.rawValue &- report.timestamp.rawValue))
            // NTP counts 2³² in a second; a difference of 32 bits, that many times, fits into 64
            let since = (ticks << 32) / Int64(stream.receiver.clockRate)
            return NTPTime(rawValue: report.ntpTime.rawValue &+ UInt64(bitPattern: since))
        }
        return nil
    }
}
