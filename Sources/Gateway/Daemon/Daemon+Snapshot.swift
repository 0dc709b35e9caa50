import Web

/// A single picture, for programs.
extension Daemon {
    /// Answers with the next picture as a JPEG file; 503 where there is none, and where what the camera encodes itself is
    /// passed on, which nobody here decodes.
    func takeSnapshot(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let video else { return Self.noPicture }
        let id = visit.id
        video.snapshots.add { [self, loop] file in
            loop.submit {
                self.assumeIsolated { daemon in
                    let picture = file.map { HTTPResponse.file($0, type: "image/jpeg") }
                    daemon.web?.respond(to: id, with: picture ?? Self.noPicture)
                }
            }
        }
        return nil
    }

    private static let noPicture = HTTPResponse.failure(
        503, "no_picture", "There is no picture now, or none that is not encoded already.")
}
