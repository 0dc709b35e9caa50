extension Configuration {
    /// The microphone, the speaker and the encoder of sound.
    public struct Audio: Sendable, Equatable {
        /// Where the door's sound comes from.
        public enum Capture: String, CaseIterable, Sendable {
            /// The microphone, and the tone while there is none.
            case automatic = "auto"
            /// The microphone alone: silence while there is none.
            case device
            /// A quiet tone alone.
            case tone
            /// A file of Opus, again and again.
            case file
            /// No sound is sent.
            case none
        }

        /// Where the viewers' voices go.
        public enum Playback: String, CaseIterable, Sendable {
            /// The speaker where there is one.
            case automatic = "auto"
            /// The speaker, whose absence is a fault worth a warning.
            case device
            /// Voices are not played.
            case none
        }

        /// Where the door's sound comes from.
        public var capture = Capture.automatic
        /// The microphone's ALSA name; nil for the first.
        public var captureDevice: String?
        /// The file of Opus in Ogg; nil for none.
        public var file: String?
        /// Where the viewers' voices go.
        public var playback = Playback.automatic
        /// The speaker's ALSA name; nil for the first.
        public var playbackDevice: String?
        /// Opus's target in kilobits a second.
        public var bitrateKbps = 32
        /// Opus's complexity, 0 to 10.
        public var complexity = 1
    }
}

extension Configuration.Audio {
    static let section = ConfigurationSection(
        "audio", \.audio, "Sound, both ways.",
        [
            .init(
                "capture", \.capture, .choice,
                """
                auto: the microphone, and a quiet tone while there is none.
                device: the microphone alone; silence while there is none.
                tone: the tone. file: what `file` holds, as it is. none: no sound is sent.
                """),
            .init(
                "capture_device", \.captureDevice, .optionalText,
                "The microphone's ALSA name, such as plughw:CARD=Device,DEV=0; see `doorward devices`. Empty: the first."
            ),
            .init(
                "file", \.file, .optionalText,
                "With capture `file`: Opus in an Ogg file, sent again and again without being encoded anew."),
            .init(
                "playback", \.playback, .choice,
                """
                auto: the speaker where there is one. device: the speaker, and a warning while there is none.
                none: nobody is heard at the door.
                """),
            .init("playback_device", \.playbackDevice, .optionalText, "The speaker's ALSA name. Empty: the first."),
            .init("bitrate_kbps", \.bitrateKbps, .integer(6...510), "Opus's target, kilobits a second."),
            .init(
                "complexity", \.complexity, .integer(0...10),
                "Opus's complexity: more is better sound for more work. 5 takes twice the time of 1, and few hear it."),
        ])
}
