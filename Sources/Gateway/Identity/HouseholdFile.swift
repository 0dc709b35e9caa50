import FoundationEssentials
import Identity

/// Who belongs to the household, in the state folder.
struct HouseholdFile: Sendable {
    private let folder: StateFolder

    /// The file of `folder`, which is there.
    init(in folder: StateFolder) {
        self.folder = folder
    }

    /// What was kept; nil where nothing ever was. Throws where it cannot be understood, and leaves it as it is: it may be
    /// mended, or a copy put back.
    func load() throws(StateError) -> HouseholdRecord? {
        guard let bytes = try folder.read(folder.householdFile) else { return nil }
        let advice =
            "; put back a copy of it, or move it away, whereupon everybody has to pair anew"
        do {
            let decoder = JSONDecoder()
            let form = try decoder.decode(Form.self, from: Data(bytes))
            guard form.version == HouseholdRecord.currentVersion else {
                throw StateError(
                    description: "\(folder.householdFile) is of another version of this program (\(form.version))")
            }
            return try decoder.decode(HouseholdRecord.self, from: Data(bytes))
        } catch let error as StateError {
            throw error
        } catch {
            throw StateError(description: "\(folder.householdFile) is damaged\(advice)")
        }
    }

    private struct Form: Decodable {
        let version: Int
    }

    /// Keeps `record`: once this returns, no power cut takes it back.
    func save(_ record: HouseholdRecord) throws(StateError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(record))
        } catch {
            preconditionFailure("a record of our own can be encoded: \(error)")
        }
        try folder.replace(folder.householdFile, with: bytes)
    }
}
