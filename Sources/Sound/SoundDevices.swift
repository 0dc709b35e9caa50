import CALSA
import Media

/// The direction of a sound device.
public enum SoundDirection: String, CaseIterable, Sendable {
    /// From a microphone.
    case capture
    /// To a speaker.
    case playback
}

/// A sound device: one direction of one PCM of a card.
public struct SoundDevice: Hashable, Sendable, CustomStringConvertible {
    /// The ALSA name to open it by, through the layer that converts formats: `plughw:CARD=Device,DEV=0`. Unlike a
    /// card's number, its identifier survives restarts.
    public let name: String
    /// What the card is called: `USB PnP Sound Device`.
    public let cardName: String
    /// What the device on the card is called: `USB Audio`.
    public let deviceName: String
    /// Its direction.
    public let direction: SoundDirection

    /// A device with its names.
    public init(name: String, cardName: String, deviceName: String, direction: SoundDirection) {
        self.name = name
        self.cardName = cardName
        self.deviceName = deviceName
        self.direction = direction
    }

    /// Whether sound leaves it through a screen's cable, where there may well be no screen.
    public var isScreen: Bool {
        ["hdmi", "displayport", "display port"].contains { word in
            [name, cardName, deviceName].contains { $0.lowercased().contains(word) }
        }
    }

    /// `plughw:CARD=Device,DEV=0 (USB PnP Sound Device, USB Audio)`
    public var description: String { "\(name) (\(cardName), \(deviceName))" }
}

/// The sound devices that the machine has.
public enum SoundDevices {
    /// Every device of every card, by card and number, each direction by itself.
    public static func list() -> [SoundDevice] {
        ALSAMessages.keep()
        var devices: [SoundDevice] = []
        var card: Int32 = -1
        while snd_card_next(&card) == 0, card >= 0 {
            devices += list(card: card)
        }
        return devices
    }

    private static func list(card: Int32) -> [SoundDevice] {
        var control: OpaquePointer?
        guard snd_ctl_open(&control, "hw:\(card)", SND_CTL_NONBLOCK) == 0 else { return [] }
        defer { snd_ctl_close(control) }
        var cardInfo: OpaquePointer?
        var info: OpaquePointer?
        guard snd_ctl_card_info_malloc(&cardInfo) == 0, snd_pcm_info_malloc(&info) == 0 else { return [] }
        defer {
            snd_ctl_card_info_free(cardInfo)
            snd_pcm_info_free(info)
        }
        guard snd_ctl_card_info(control, cardInfo) == 0 else { return [] }
        let identifier = String(cString: snd_ctl_card_info_get_id(cardInfo))
        let cardName = String(cString: snd_ctl_card_info_get_name(cardInfo))
        var devices: [SoundDevice] = []
        var number: Int32 = -1
        while snd_ctl_pcm_next_device(control, &number) == 0, number >= 0 {
            for direction in SoundDirection.allCases {
                snd_pcm_info_set_device(info, UInt32(number))
                snd_pcm_info_set_subdevice(info, 0)
                snd_pcm_info_set_stream(info, direction.stream)
                guard snd_ctl_pcm_info(control, info) == 0 else { continue }
                devices.append(
                    SoundDevice(
                        name: "plughw:CARD=\(identifier),DEV=\(number)", cardName: cardName,
                        deviceName: String(cString: snd_pcm_info_get_name(info)), direction: direction))
            }
        }
        return devices
    }

    /// The device of `devices` that is used where none is configured, and why that one.
    ///
    /// The first of the first card; for playback one that is no screen's, where there is one: a board has an HDMI
    /// output whether or not anything listens at it.
    ///
    /// - Throws: That there is none.
    public static func first(
        _ direction: SoundDirection, of devices: [SoundDevice]
    ) throws(DeviceError) -> (device: SoundDevice, reason: String) {
        let candidates = devices.filter { $0.direction == direction }
        guard let first = candidates.first else {
            let what = direction == .capture ? "microphone" : "speaker"
            throw DeviceError("there is no \(what): no sound card has a \(direction.rawValue) device", isGone: true)
        }
        if direction == .playback, first.isScreen {
            if let better = candidates.first(where: { !$0.isScreen }) {
                return (better, "the first playback device that is no screen's")
            }
            return (first, "the first playback device; there are only screens'")
        }
        return (
            first,
            candidates.count == 1 ? "the only \(direction.rawValue) device" : "the first \(direction.rawValue) device"
        )
    }
}

extension SoundDirection {
    var stream: snd_pcm_stream_t {
        switch self {
        case .capture: SND_PCM_STREAM_CAPTURE
        case .playback: SND_PCM_STREAM_PLAYBACK
        }
    }
}
