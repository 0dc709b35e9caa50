import Camera
import Codecs
import Media

extension Configuration {
    /// The camera and its encoder.
    public struct Video: Sendable, Equatable {
        /// Where the picture comes from.
        public enum Source: String, CaseIterable, Sendable {
            /// The camera, and the test card while there is none.
            case automatic = "auto"
            /// The camera alone: no picture while there is none.
            case camera
            /// The test card alone.
            case testCard = "test_card"
            /// A file of H.264, again and again.
            case file
        }

        /// Where the picture comes from.
        public var source = Source.automatic
        /// The camera: its path or its name; nil for the first.
        public var device: String?
        /// When the camera's own H.264 is passed on.
        public var passthrough = CameraPassthrough.automatic
        /// The file of `Source.file`: a byte stream of H.264 (annex B); nil for none.
        public var file: String?
        /// The grain of the test card's picture: `TestCard` says what it is.
        public var testCardGrain = 0
        /// The widest picture to take from the camera; even.
        public var width = 1280
        /// The highest picture to take from the camera; even.
        public var height = 720
        /// The most pictures a second.
        public var frameRate = 30
        /// The encoder's target in kilobits a second.
        public var bitrateKbps = 2500
        /// How much work the encoder puts into a picture.
        public var preset = H264EncoderConfiguration.Preset.superfast
        /// The longest time between two key frames.
        public var keyFrameInterval = Duration.seconds(10)
        /// Whether the picture is coded anew stripe by stripe within that time, in place of key frames.
        public var intraRefresh = false

        /// The largest picture to take from the camera.
        public var size: VideoSize { VideoSize(width: width, height: height) }
    }
}

extension Configuration.Video {
    static let section = ConfigurationSection(
        "video", \.video,
        "The picture: one encode for every viewer, and a smaller one for those whose networks bear much less.",
        [
            .init(
                "source", \.source, .choice,
                """
                auto: the camera, and a moving test card while there is none.
                camera: the camera alone; no picture while there is none.
                test_card: the test card. file: the file that video.file names, again and again.
                """),
            .init(
                "device", \.device, .optionalText,
                "The camera: a path such as /dev/video0, or its name as `doorward devices` shows it. Empty: the first."),
            .init(
                "passthrough", \.passthrough, .choice,
                """
                What becomes of H.264 that a camera encodes by itself. auto: it is passed on, without an encode of our own,
                where the camera's other pictures are smaller or slower than it, or there are none. prefer: wherever there
                is any, which takes next to no processor time; but a viewer on a slow network gets what the others get.
                off: never.
                """),
            .init(
                "file", \.file, .optionalText,
                """
                A file of H.264, for demonstrations: a byte stream (Annex B) of baseline or main profile without B-frames,
                which ffmpeg -i in.mp4 -an -c:v libx264 -profile:v baseline -g 30 out.h264 makes. Its key frames (-g) are
                where a viewer can start. It is played at its own rate, or at frame_rate where it does not say.
                """),
            .init(
                "test_card_grain", \.testCardGrain, .integer(0...TestCard.strongestGrain),
                """
                Noise in the test card's picture, as a camera has it in dim light. With it the card needs the whole bitrate,
                and so shows what a network bears. 0: none.
                """),
            .init(
                "width", \.width, .integer(64...3840, multipleOf: 2),
                "The largest picture to take from the camera, in pixels. What the camera has nearest below is used."),
            .init("height", \.height, .integer(64...2160, multipleOf: 2), "See width."),
            .init("frame_rate", \.frameRate, .integer(1...120), "The most pictures a second."),
            .init("bitrate_kbps", \.bitrateKbps, .integer(50...50_000), "The encoder's target, kilobits a second."),
            .init(
                "preset", \.preset, .choice,
                "x264's preset. A slower one gives a better picture at the same bitrate for more processor time."),
            .init(
                "key_frame_interval_seconds", \.keyFrameInterval, .duration(.seconds, 1...600),
                "The longest time between two key frames. Viewers who need one sooner ask for it."),
            .init(
                "intra_refresh", \.intraRefresh, .boolean,
                """
                true: within that time the picture is coded anew stripe by stripe, in place of a key frame, which is a burst.
                A viewer who comes, or who has lost much, gets a key frame all the same.
                """),
        ])
}
