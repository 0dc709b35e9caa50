import Calls
import Media
import PeerConnection
import Web
import Wire

/// What the owner sets on the page, and what follows from it at once.
extension Daemon {
    private struct Failure: Encodable {
        let error: String
        let message: String
        /// What is wrong, by the setting's name.
        let settings: [String: String]
    }

    func describeSettings() -> HTTPResponse { .json(200, SettingsView(settings.layers), isPretty: true) }

    func changeSettings(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let changes = visit.request.decoded(as: [String: SettingValue?].self) else { return .badBody }
        settings.change(changes) { [loop] result in
            loop.submit { $0.settingsChanged(result, changes.keys.sorted(), visit) }
        }
        return nil
    }

    private func settingsChanged(
        _ result: Result<ConfigurationLayers, SettingsKeeper.Refusal>, _ names: [String], _ visit: Endpoint.Visit
    ) {
        let response: HTTPResponse
        switch result {
        case .success(let layers):
            let owner = doorkeeper?.name(of: visit.caller) ?? ""
            let new = layers.configuration
            for key in Configuration.keys where names.contains(key.path) {
                log.info("settings: “\(owner)” has \(key.path) at \(key.format(new)) now")
            }
            apply(new, at: MonotonicClock.now)
            response = .json(200, SettingsView(layers), isPretty: true)
        case .failure(.wrong(let wrong)):
            let sentences = wrong.problems.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            response = .json(
                422,
                Failure(
                    error: "wrong_settings", message: "Nothing was changed: \(sentences.joined(separator: "; ")).",
                    settings: wrong.problems))
        case .failure(.notKept(let error)):
            response = .failure(500, "not_kept", "Nothing was changed: \(error).")
        case .failure(.busy): response = .failure(503, "busy", "There is too much to do. Try again.")
        }
        web?.respond(to: visit.id, with: response)
    }

    /// Goes by `new` from now on, which differs from what there was in what the owner may set.
    func apply(_ new: Configuration, at now: Instant) {
        let old = configuration
        configuration = new
        hub.handle(.settingsChanged(new.hubSettings), at: now)
        if new.network != old.network {
            let servers = new.network.iceServers(for: "viewer", at: .now).map(ICEServer.init)
            hub.handle(.iceServersChanged(servers), at: now)
        }
        lines.pulse = new.lock.pulse
        chime?.mode = new.chime.mode
        if new.video != old.video {
            restartVideo()
            for session in sessions.values { session.peer.setUsefulBitrate(usefulBitrate) }
        } else if new.door != old.door {
            video?.rename(door: new.door.name)
        }
        if (new.audio.capture, new.audio.bitrateKbps) != (old.audio.capture, old.audio.bitrateKbps) { restartSound() }
        if new.audio.playback != old.audio.playback { restartVoices() }
    }

    // MARK: Pipelines

    /// A pipeline that can be ended and begun anew while the rest goes on.
    enum Pipeline: Hashable, Sendable {
        case video, sound, voices
    }

    private func restartVideo() {
        encodings = EncodingControl(configuration: configuration.video)
        guard let video else { return }
        self.video = nil
        end(.video, by: { video.stop() }, then: { $0.startVideo() })
    }

    private func restartSound() {
        guard let sound else { return }
        self.sound = nil
        end(.sound, by: { sound.stop() }, then: { $0.startSound() })
    }

    private func restartVoices() {
        guard let voices else { return }
        self.voices = nil
        end(.voices, by: { voices.stop() }, then: { $0.startVoices() })
    }

    /// Ends a pipeline on a thread of its own, for that takes until its device lets go, and then begins the one that is
    /// configured by then. A device has to be free before it is opened again.
    private func end(
        _ pipeline: Pipeline, by stop: @escaping @Sendable () -> Void,
        then start: @escaping @Sendable (isolated Daemon) -> Void
    ) {
        ending[pipeline] = WorkerThread(name: "ending") { [loop] _ in
            stop()
            loop.submit { daemon in
                daemon.ending.removeValue(forKey: pipeline)?.join()
                if daemon.stoppingUntil == nil { start(daemon) }
            }
        }
    }
}

extension Configuration {
    /// What the hub goes by.
    var hubSettings: CallHub.Configuration {
        var settings = CallHub.Configuration()
        settings.doorName = door.name
        settings.iceServers = network.iceServers(for: "viewer", at: .now).map(ICEServer.init)
        settings.iceTransportPolicy = network.iceTransportPolicy
        settings.ringTimeout = calls.ringTimeout
        settings.resumptionGrace = calls.resumptionGrace
        settings.maxCallDuration = calls.maxDuration == .zero ? nil : calls.maxDuration
        return settings
    }
}
