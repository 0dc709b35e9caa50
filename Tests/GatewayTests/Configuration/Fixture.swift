import Gateway
import Glibc

/// Calls `body` with the path of a file that holds `bytes`.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) -> Result) -> Result {
    var template = Array("/tmp/doorward-configuration-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    precondition(file >= 0, "/tmp is writable")
    let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer { unlink(path) }
    precondition(write(file, bytes, bytes.count) == bytes.count && close(file) == 0, "/tmp has room")
    return body(path)
}

/// The configuration that a file of `text` gives.
func load(
    _ text: String, environment: [String: String] = [:], overrides: [String] = []
) throws(ConfigurationErrors) -> Configuration {
    let result: Result<Configuration, ConfigurationErrors> = withFile(Array(text.utf8)) { path in
        do throws(ConfigurationErrors) {
            return .success(try Configuration.load(file: path, environment: environment, overrides: overrides))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

/// What is wrong with the configuration that a file of `bytes` gives; empty for nothing. The file is called
/// `door.yaml`.
func problems(
    bytes: [UInt8], environment: [String: String] = [:], overrides: [String] = []
) -> [String] {
    withFile(bytes) { path in
        do throws(ConfigurationErrors) {
            _ = try Configuration.load(file: path, environment: environment, overrides: overrides)
            return []
        } catch {
            return error.errors.map { error in
                let text = error.description
                return text.hasPrefix(path) ? "door.yaml" + text.dropFirst(path.count) : text
            }
        }
    }
}

/// What is wrong with the configuration that a file of `text` gives.
func problems(
    _ text: String, environment: [String: String] = [:], overrides: [String] = []
) -> [String] {
    problems(bytes: Array(text.utf8), environment: environment, overrides: overrides)
}
