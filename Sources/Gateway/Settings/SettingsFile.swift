/// What the owner set on the page, in the state folder.
struct SettingsFile: Sendable {
    private let folder: StateFolder

    /// The file of `folder`.
    init(in folder: StateFolder) {
        self.folder = folder
    }

    /// Takes what was kept over into `layers`; returns what is wrong with it, a sentence each. What is wrong is passed over:
    /// the door opens with one setting less rather than not at all.
    func load(into layers: inout ConfigurationLayers) -> [String] {
        do throws(StateError) {
            guard let text = try folder.read(folder.settingsFile) else { return [] }
            return layers.readOwners(text, of: folder.settingsFile, keys: OwnerSettings.paths).map {
                "\($0); it is passed over"
            }
        } catch {
            return ["\(error); it is passed over"]
        }
    }

    /// Keeps what the owner set: once this returns, no power cut takes it back.
    func save(_ layers: ConfigurationLayers) throws(StateError) {
        try folder.replace(folder.settingsFile, with: Array(layers.ownersYAML.utf8))
    }
}
