/// Everything an owner can set, with a default for each, so that no file is needed.
///
/// Each section is a nested struct in a file of its own, next to the table of its keys (`ConfigurationSection`): the
/// table reads the YAML file, the environment and `--set`, checks types and ranges, and writes the commented example.
public struct Configuration: Sendable, Equatable {
    /// What the door is called.
    public var door = Door()
    /// Where the page is served.
    public var web = Web()
    /// The camera and its encoder.
    public var video = Video()
    /// The microphone, the speaker and the encoder of sound.
    public var audio = Audio()
    /// The doorbell's button.
    public var button = Button()
    /// What a ring drives at the door: a chime or a lamp.
    public var chime = Chime()
    /// The relay that opens the door.
    public var lock = Lock()
    /// The light at the door.
    public var light = Light()
    /// How long rings and calls last.
    public var calls = Calls()
    /// How peers reach the daemon.
    public var network = Network()
    /// Where more viewers are served than the uplink bears.
    public var publish = Publish()
    /// How pages reach the door from outside the house.
    public var meeting = Meeting()
    /// What outlives a restart.
    public var state = State()
    /// What is logged.
    public var log = Log()

    /// The defaults.
    public init() {}

    /// The configuration of `file` (a YAML file; nil for none), overridden by `environment`, overridden by `overrides`
    /// (`key.path=value`, as given to `--set`).
    ///
    /// A variable of the environment that is set but empty counts as not set.
    ///
    /// - Throws: Every error in all three, not just the first.
    public static func load(
        file: String?, environment: [String: String] = [:], overrides: [String] = []
    ) throws(ConfigurationErrors) -> Configuration {
        try ConfigurationLayers(file: file, environment: environment, overrides: overrides).configuration
    }

    /// Every section, in the order of the example file.
    static let sections: [ConfigurationSection] = [
        Door.section, Web.section, Video.section, Audio.section, Button.section, Chime.section, Lock.section,
        Light.section, Calls.section, Network.section, Publish.section, Meeting.section, State.section,
        Log.section,
    ]

    /// Every key, in that order.
    static let keys = sections.flatMap(\.keys)
}
