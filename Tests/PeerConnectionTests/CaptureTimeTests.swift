import RTP
import SimulatedPeers
import Testing
import Wire

@testable import PeerConnection

/// When a picture was captured, as the sender's reports tell it (RFC 3550 §6.4.1).
@Suite struct CaptureTimeTests {
    @Test func `a picture's capture time is the sender's own, to a tick of its clock, whatever the way takes`() throws {
        let call = try Call(PathConditions(delay: .milliseconds(30)...(.milliseconds(30))))
        var captured: [Instant] = []
        for number in 0..<100 {
            captured.append(call.simulation.now)
            call.sendFromDoor(call.picture(isKeyFrame: number == 0), on: call.door.video)
            call.simulation.run(for: .milliseconds(30))
        }
        call.simulation.run(for: .seconds(2))
        let pictures = call.simulation[.polite].accessUnits
        try #require(pictures.count == captured.count)
        for (picture, instant) in zip(pictures, captured) {
            let told = try #require(call.pagePeer.captureTime(of: picture.1.timestamp, on: call.page.video))
            let difference = Int64(bitPattern: told.rawValue &- NTPTime(instant).rawValue)
            // two ticks of 1/90000 s, in units of 2⁻³² s: each of the two timestamps is rounded to one
            #expect(abs(difference) <= 2 * (1 << 32) / 90_000)
        }
    }

    @Test func `before the first report nothing is told, nor of a transceiver that receives nothing`() throws {
        let call = try Call()
        call.sendFromDoor(call.picture(), on: call.door.video)
        call.simulation.run(for: .milliseconds(5))
        let picture = try #require(call.simulation[.polite].accessUnits.first)
        #expect(call.pagePeer.captureTime(of: picture.1.timestamp, on: call.page.video) == nil)
        #expect(call.doorPeer.captureTime(of: picture.1.timestamp, on: call.door.video) == nil)
    }
}
