import Checker
import Foundation

/// What the people of a run have sent and received, before a judge that knows the protocol alone.
extension Simulator {
    /// Fails the run where there is no one order of each room that explains all of it, and leaves the transcripts in a folder.
    func judgeTranscripts() {
        guard let wiretap, !judge.hasFailed else { return }
        var options = Checker.Options()
        options.mayLoseEvents = plan.fsync != .always
        // Where little is held in memory, a newcomer is told less.
        options.keepsAll = !plan.options.isEphemeral && plan.limits.rules.recentBytes >= 1 << 20
        var known: [String: Message] = [:]
        for (room, people) in recorders(wiretap).sorted(by: { $0.key < $1.key }) {
            do {
                let transcripts = try people.sorted { $0.key < $1.key }.map { try $0.value.transcript(&known) }
                let violations = Checker.check(transcripts, options: options).violations
                guard violations.isEmpty else {
                    return judge.fail(
                        "no order of \(room): \(violations.prefix(5))\nThe transcripts: \(keep(people, room))")
                }
            } catch {
                return judge.fail("the transcripts of \(room): \(error)")
            }
        }
    }

    private func recorders(_ wiretap: Wiretap) -> [String: [Int: TranscriptRecorder]] {
        var recorders: [String: [Int: TranscriptRecorder]] = [:]
        for word in wiretap.words {
            var recorder =
                recorders[word.room]?.removeValue(forKey: word.person)
                ?? TranscriptRecorder(client: "person \(word.person)")
            switch word.kind {
            case .sent: recorder.add(.sent, word.text, on: word.connection, at: word.time)
            case .received: recorder.add(.got, word.text, on: word.connection, at: word.time)
            case .closed: recorder.addEnd(Int(word.text) ?? 1006, of: word.connection, at: word.time)
            }
            recorders[word.room, default: [:]][word.person] = recorder
        }
        return recorders
    }

    private func keep(_ people: [Int: TranscriptRecorder], _ room: String) -> String {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "chatloop-transcripts/\(plan.seed)/\(room)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (person, recorder) in people {
            try? recorder.text.write(
                to: folder.appending(path: "person \(person).jsonl"), atomically: true, encoding: .utf8)
        }
        return folder.path
    }
}
