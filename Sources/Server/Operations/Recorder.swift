import Chat
import History
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

    /// - Parameters:
    ///   - path: where to write it; a file that is there gets another name.
    ///   - limits: the chat's.
    ///   - largest: the bytes at which it ends: it is to be looked at on a desk, not to fill a disk.
    init(path: String, limits: Limits, largest: Int) throws(StorageError) {
        self.path = path
        self.largest = largest
        file = try Self.create(path, disk)
        Recording.appendSettings(limits, to: &bytes)
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

    mutating func restored(_ journal: Span<UInt8>, now: Int64) {
        Recording.appendJournal(journal, now: now, to: &bytes)
    }

    /// A tick begins. One that changes nothing is not recorded; `begin` cannot know that of one without items, in which
    /// somebody's time of grace may be over. So that is decided at the end.
    ///
    /// - Returns: why recording has ended, if it has.
    mutating func begin(_ inputs: TickInputs) -> String? {
        guard isOpen, !inputs.items.isEmpty else { return nil }
        Recording.appendInputs(inputs, to: &bytes)
        isMidTick = true
        return flush()
    }

    /// A tick's outcome is known. It goes to the disk together with the next tick's inputs.
    mutating func end(_ inputs: TickInputs, _ outcome: Recording.Outcome, hasOutput: Bool) {
        guard isOpen, isMidTick || hasOutput else { return }
        if !isMidTick { Recording.appendInputs(inputs, to: &bytes) }
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
            recorder = try Recorder(path: path, limits: chat.limits, largest: options.recordingBytes)
        } catch {
            let advice = "Name a file with --record in a folder that is there and may be written to."
            throw StartFailure(
                error.isPermission ? .noPermission : .cannotCreate, "Cannot record: \(error). \(advice)")
        }
    }

    mutating func recordInputs() {
        if let reason = recorder?.begin(inputs) {
            log(.error, "recording-ended", "reason", reason)
            recorder = nil
        }
    }

    mutating func recordOutcome(failed: [UInt32], journalWritten: Bool) {
        guard recorder != nil else { return }
        let outcome = Recording.Outcome(failed: failed, journalWritten: journalWritten, digest: output.digest(chat))
        recorder?.end(inputs, outcome, hasOutput: !output.isEmpty)
    }
}
