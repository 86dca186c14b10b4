import Log
import Platform
import Sockets

/// The log: one line an event, `key=value` by `key=value`.
///
/// Texts of messages and secrets of sessions are never handed to it. What comes from outside is quoted where it must be, so
/// that nobody can put a line of their own into it.
extension Server where W: ~Copyable {
    /// Logs an event.
    ///
    /// - Parameter details: keys and values in turn; a value that is not plain is put in quotation marks.
    mutating func log(_ level: ServeOptions.LogLevel, _ event: StaticString, _ details: Any...) {
        guard level <= options.logLevel else { return }
        var line = "time=\(Clock.iso8601(inputs.moment.time)) level=\(level.rawValue) event=\(event)"
        for i in stride(from: 0, to: details.count - 1, by: 2) {
            line += " \(details[i])=\(LogValue.text(of: details[i + 1]))"
        }
        world.log(line)
    }

    /// The first line: what runs here, where it keeps what, and what it allows.
    mutating func logStart() {
        let keepsFiles = !options.isEphemeral && options.cluster == nil
        let rooms = keepsFiles ? (try? FileStorage().list("\(options.dataFolder)/rooms"))?.count ?? 0 : 0
        log(
            .info, "started", "version", chatloopVersion, "data",
            options.cluster?.place.description ?? (keepsFiles ? absolutePath(options.dataFolder) : "none"),
            "node", options.cluster == nil ? "none" : options.nodeName, "rooms", rooms, "fsync", options.fsync.rawValue,
            "max-connections", options.maxConnections ?? 0,
            "max-connections-per-address", options.maxConnectionsPerAddress, "max-message", options.maxMessage,
            "max-queue", options.maxQueue, "message-rate", options.messageRate, "poller", options.poller.rawValue)
    }
}

/// Values as they stand in the log.
enum LogValue {
    static func text(of value: Any) -> String {
        let text = String(describing: value)
        let isPlain =
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C }
        return isPlain ? text : quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars.prefix(500) {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case " "..."~": result.unicodeScalars.append(scalar)
            // Controls would move the terminal's cursor, and others can look like what they are not.
            default: result += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return result + "\""
    }
}
