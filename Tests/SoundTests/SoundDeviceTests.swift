import Media
import Sound
import Testing

@Suite struct SoundDeviceTests {
    private func device(_ card: String, _ direction: SoundDirection) -> SoundDevice {
        SoundDevice(name: "plughw:CARD=\(card),DEV=0", cardName: card, deviceName: card, direction: direction)
    }

    @Test func `The first speaker is no screen's where there is another`() throws {
        let devices = [
            device("vc4hdmi0", .playback), device("vc4hdmi1", .playback), device("Headphones", .playback),
            device("Device", .capture), device("Device", .playback),
        ]
        let (speaker, reason) = try SoundDevices.first(.playback, of: devices)
        #expect(speaker.cardName == "Headphones")
        #expect(reason == "the first playback device that is no screen's")
        #expect(try SoundDevices.first(.capture, of: devices).device.cardName == "Device")
        #expect(try SoundDevices.first(.capture, of: devices).reason == "the only capture device")
    }

    @Test func `A screen's speaker is better than none`() throws {
        let (speaker, reason) = try SoundDevices.first(.playback, of: [device("vc4hdmi0", .playback)])
        #expect(speaker.cardName == "vc4hdmi0")
        #expect(reason == "the first playback device; there are only screens'")
    }

    @Test func `That there is no microphone is said`() {
        do throws(DeviceError) {
            _ = try SoundDevices.first(.capture, of: [device("Headphones", .playback)])
            Issue.record("there is one")
        } catch {
            #expect(error.description == "there is no microphone: no sound card has a capture device")
            #expect(error.isGone)
        }
    }

    @Test func `A device that is not there is gone, and what ALSA says of it is told`() {
        do throws(DeviceError) {
            _ = try ALSAMicrophone(device: "plughw:CARD=Nobody,DEV=0")
            Issue.record("there is one")
        } catch {
            #expect(error.isGone)
            #expect(error.description.hasPrefix("cannot open the capture device plughw:CARD=Nobody,DEV=0: "))
        }
        #expect(throws: DeviceError.self) { try ALSASpeaker(device: "no such name") }
    }

    @Test func `ALSA's own null device gives silence and takes sound`() throws {
        let microphone = try ALSAMicrophone(device: "null")
        let block = try #require(try microphone.nextBlock(timeout: .seconds(1)))
        #expect(block.samples.allSatisfy { $0 == 0 })
        let speaker = try ALSASpeaker(device: "null")
        for _ in 0..<10 { try speaker.play(block.samples) }
        #expect(microphone.overruns == 0 && speaker.underruns == 0)
        #expect(microphone.description == "null")
    }
}
