import Glibc

/// What board this is.
public enum BoardModel {
    /// The model as the device tree has it (`Raspberry Pi 4 Model B Rev 1.4`), else as the firmware's tables do; nil
    /// where neither does.
    public static func read() -> String? {
        let paths = ["/proc/device-tree/model", "/sys/class/dmi/id/product_name"]
        return paths.lazy.compactMap(line(of:)).first { !$0.isEmpty }
    }

    /// The first line of the file `path`.
    private static func line(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = fread(&bytes, 1, bytes.count, file)
        // The device tree's strings end in a zero byte, the others in a line feed.
        return String(decoding: bytes[..<count].prefix { $0 >= 0x20 }, as: UTF8.self)
    }
}
