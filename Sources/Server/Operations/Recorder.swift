import Chat
import Log
import Platform

/// Writes a recording: every tick's inputs before the chat sees them, so that the one in which a process ends is there, too.
struct Recorder {
    private let disk = FileStorage()
    private let path: String
    private let file: OpenFile
    private var bytes: [UInt8] = []
    private var written = 0
    private var isOpen = true
    /// The newest tick's inputs have been written, and its outcome not yet.
    private var isMidTick = false

    private let largest: Int
    /// The rooms that it has told of: by their places, which of those that had the place.
    private var known: [UInt32: UInt32] = [:]

    /// - Parameters:
    ///   - path: where to write it; a file that is there gets another name.
    ///   - rules: what the rooms decide by.
    ///   - largest: the bytes at which it ends: it is to be looked at on a desk, not to fill a disk.
    init(path: String, rules: RoomRules, largest: Int) throws(StorageError) {
        self.path = path
        self.largest = largest
        file = try Self.create(path, disk)
        Recording.appendSettings(rules, to: &bytes)
        // At once: what follows may be more than the largest size allows.
        try disk.appendAll(bytes.span, to: file, path: path)
        written = bytes.count
        bytes.removeAll()
    }

    /// Creates the file. One that is there, from before a crash perhaps, gets the first name that is free of FILE.1, FILE.2 and so
    /// on: nothing that was recorded is ever overwritten.
    private static func create(_ path: String, _ disk: FileStorage) throws(StorageError) -> OpenFile {
        do throws(StorageError) {
            return try disk.open(path, .create)
        } catch {
            // A device or a folder keeps its name.
            var status = stat()
            guard error.isPresent, unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw error
            }
        }
        var number = 1
        while true {
            let name = "\(path).\(number)"
            do throws(StorageError) {
                // Empty at first, so that the name is nobody else's.
                disk.close(try disk.open(name, .create))
            } catch {
                guard error.isPresent else { throw error }
                number += 1
                continue
            }
            do throws(StorageError) {
                try disk.rename(path, to: name)
            } catch {
                try disk.remove(name)
                throw error
            }
            return try disk.open(path, .create)
        }
    }

    /// A tick's inputs are known, and the rooms have not seen them.
    ///
    /// - Returns: why recording has ended, if it has.
    mutating func begin(_ chat: Chat, _ bytes: Span<UInt8>, at moment: Moment) -> String? {
        guard isOpen, chat.work.contains(where: \.input.isDecisive) else { return nil }
        for work in chat.work where work.input.isDecisive {
            let room = chat.rooms[Int(work.room)]
            guard known[work.room] != room.serial || work.input.isRestart else { continue }
            known[work.room] = room.serial
            Recording.appendRoom(room, at: work.room, to: &self.bytes)
        }
        Recording.appendInputs(chat.work, of: bytes, at: moment, to: &self.bytes)
        isMidTick = true
        return flush()
    }

    /// A tick's outcome is known. It goes to the disk together with the next tick's inputs.
    mutating func end(_ outcome: Recording.Outcome) {
        guard isOpen, isMidTick else { return }
        Recording.appendOutcome(outcome, to: &bytes)
        isMidTick = false
    }

    mutating func close() {
        guard isOpen else { return }
        _ = flush()
        disk.close(file)
        isOpen = false
    }

    private mutating func flush() -> String? {
        defer { bytes.removeAll(keepingCapacity: true) }
        guard written + bytes.count <= largest else { return stop("it has reached its largest size, \(largest) bytes") }
        var done = 0
        while done < bytes.count {
            do {
                let count = try disk.append(bytes.span.extracting(done...), to: file)
                guard count > 0 else { return stop("nothing more can be written to \(path)") }
                done += count
            } catch {
                return stop("\(error)")
            }
        }
        written += bytes.count
        return nil
    }

    private mutating func stop(_ reason: String) -> String {
        disk.close(file)
        isOpen = false
        return reason
    }
}

extension Server where W: ~Copyable {
    /// Begins a recording if one is wanted.
    package mutating func startRecording() throws(StartFailure) {
        guard let path = options.recording else { return }
        do {
            keeping.recorder = try Recorder(path: path, rules: chat.limits.rules, largest: options.recordingBytes)
            chat.keepsDigest = true
        } catch {
            let advice = "Name a file with --record in a folder that is there and may be written to."
            throw StartFailure(
                error.isPermission ? .noPermission : .cannotCreate, "Cannot record: \(error). \(advice)")
        }
    }

    mutating func recordInputs() {
        guard keeping.recorder != nil else { return }
        let bytes = inputs.bytes
        if let reason = keeping.recorder?.begin(chat, bytes.span, at: inputs.moment) {
            log(.error, "recording-ended", "reason", reason)
            keeping.recorder = nil
            chat.keepsDigest = false
        }
    }

    mutating func recordOutcome(failed: [UInt32]) {
        keeping.recorder?.end(Recording.Outcome(failed: failed, digest: chat.digest))
    }
}

extension RoomInput {
    /// Whether the room has just been loaded.
    fileprivate var isRestart: Bool { if case .restarted = self { true } else { false } }
}
