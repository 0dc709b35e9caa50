internal import Glibc

/// A file of the page, ready to be sent.
struct PageFile {
    let bytes: [UInt8]
    let contentType: String
    let entityTag: String

    init(name: String, bytes: [UInt8]) {
        self.bytes = bytes
        contentType = PageFile.contentType(of: name)
        entityTag = PageFile.entityTag(of: bytes)
    }

    private static func contentType(of name: String) -> String {
        switch name.split(separator: ".").last ?? "" {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        // RFC 9239 §6: text/javascript is the one type that is not obsolete.
        case "js": "text/javascript; charset=utf-8"
        case "json": "application/json"
        case "webmanifest": "application/manifest+json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "mp3": "audio/mpeg"
        case "ogg": "audio/ogg"
        case "wav": "audio/wav"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }

    // FNV-1a: two versions of a file need different tags, no more.
    private static func entityTag(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return "\"\(String(hash, radix: 16))-\(String(bytes.count, radix: 16))\""
    }

    /// Whether the value of an If-None-Match field names this file (RFC 9110 §13.1.2: weak comparison).
    func matches(ifNoneMatch: String) -> Bool {
        ifNoneMatch.split(separator: ",").contains { item in
            let tag = item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return tag == "*" || tag == entityTag || tag.hasPrefix("W/") && tag.dropFirst(2) == entityTag
        }
    }
}

/// The page's files: those inside the binary, or those of a folder.
struct PageFiles {
    // Every file of Sources/Web/Page, under the name that it is asked by. A new file needs its line here.
    static let embedded: [String: [UInt8]] = [
        "api.js": PackageResources.api_js,
        "app.js": PackageResources.app_js,
        "call.js": PackageResources.call_js,
        "camera.js": PackageResources.camera_js,
        "certificate.html": PackageResources.certificate_html,
        "certificate.js": PackageResources.certificate_js,
        "chat.js": PackageResources.chat_js,
        "conversation.js": PackageResources.conversation_js,
        "door-settings.js": PackageResources.door_settings_js,
        "encoding.js": PackageResources.encoding_js,
        "english.js": PackageResources.english_js,
        "enrolment.js": PackageResources.enrolment_js,
        "formats.js": PackageResources.formats_js,
        "german.js": PackageResources.german_js,
        "household.css": PackageResources.household_css,
        "household.js": PackageResources.household_js,
        "icon.svg": PackageResources.icon_svg,
        "index.html": PackageResources.index_html,
        "intercom.js": PackageResources.intercom_js,
        "intercom-view.js": PackageResources.intercom_view_js,
        "language.js": PackageResources.language_js,
        "link.js": PackageResources.link_js,
        "manifest.webmanifest": PackageResources.manifest_webmanifest,
        "meeting.js": PackageResources.meeting_js,
        "members.js": PackageResources.members_js,
        "mesh.js": PackageResources.mesh_js,
        "microphone.js": PackageResources.microphone_js,
        "mqtt-packets.js": PackageResources.mqtt_packets_js,
        "mqtt.js": PackageResources.mqtt_js,
        "noise.js": PackageResources.noise_js,
        "panels.js": PackageResources.panels_js,
        "picture.js": PackageResources.picture_js,
        "recovery.js": PackageResources.recovery_js,
        "resumption.js": PackageResources.resumption_js,
        "ring-dialog.js": PackageResources.ring_dialog_js,
        "ring.js": PackageResources.ring_js,
        "ringer.js": PackageResources.ringer_js,
        "session.js": PackageResources.session_js,
        "shortcuts.js": PackageResources.shortcuts_js,
        "sign-in.js": PackageResources.sign_in_js,
        "signalling.js": PackageResources.signalling_js,
        "small-window.js": PackageResources.small_window_js,
        "snapshot.js": PackageResources.snapshot_js,
        "start.js": PackageResources.start_js,
        "statistics.js": PackageResources.statistics_js,
        "strings.js": PackageResources.strings_js,
        "style.css": PackageResources.style_css,
        "talk-button.js": PackageResources.talk_button_js,
        "ticker.js": PackageResources.ticker_js,
        "timeline.js": PackageResources.timeline_js,
        "view.js": PackageResources.view_js,
        "viewer.js": PackageResources.viewer_js,
        "visits.js": PackageResources.visits_js,
        "wake-lock.js": PackageResources.wake_lock_js,
        "ways.js": PackageResources.ways_js,
        "worker.js": PackageResources.worker_js,
    ]

    private enum Origin {
        case binary([String: PageFile])
        case folder(String)
    }

    private static let largestFile = 8 << 20

    private let origin: Origin

    init(folder: String?) throws(WebError) {
        guard let folder else {
            origin = .binary(
                Dictionary(
                    uniqueKeysWithValues: PageFiles.embedded.map { ($0, PageFile(name: $0, bytes: $1)) }))
            return
        }
        guard PageFiles.read("\(folder)/index.html") != nil else { throw .noPage(folder: folder) }
        origin = .folder(folder)
    }

    /// The file at an HTTP path; nil where there is none.
    func file(at path: String) -> PageFile? {
        let name =
            switch path {
            case "/": "index.html"
            case "/certificate": "certificate.html"
            default: String(path.dropFirst())
            }
        switch origin {
        case .binary(let files):
            return files[name]
        case .folder(let folder):
            guard PageFiles.isPlain(name), let bytes = PageFiles.read("\(folder)/\(name)") else { return nil }
            return PageFile(name: name, bytes: bytes)
        }
    }

    // Only names that cannot lead out of the folder: no part is empty or begins with a dot, no odd characters.
    private static func isPlain(_ name: String) -> Bool {
        name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".")
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                        UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    static func read(_ path: String) -> [UInt8]? {
        // O_NONBLOCK: opening a FIFO must not stop the thread.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            (0...largestFile).contains(Int(status.st_size))
        else { return nil }
        let size = Int(status.st_size)
        var complete = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                guard got > 0 else { return }
                count += got
            }
            complete = true
        }
        return complete ? bytes : nil
    }
}
