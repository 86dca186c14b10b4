import Client

/// What stands below the chat: what is on its way, how the connection is, and the line that is typed.
extension TalkConsole {
    /// So many of the requests on their way are shown.
    private static let shownRequests = 5

    /// Draws what has changed.
    func refresh(_ client: ChatClient, failure: String, now: Int64) {
        guard isDrawn, !isTerminalGivenBack else { return }
        var footer = Screen.Footer()
        if question == nil { footer.rows = rows(client, failure, now) }
        footer.prompt = TerminalText.fitting(prompt(client), columns: screen.columns / 2)
        (footer.before, footer.after) = editor.window(columns: screen.columns - TerminalText.width(of: footer.prompt))
        output.write(screen.update(footer, faint: transcript.faint))
    }

    private func prompt(_ client: ChatClient) -> String {
        switch question {
        case .name: "Your name: "
        case .password: "Password: "
        case nil: "\(TerminalText.visible(client.username))> "
        }
    }

    private func rows(_ client: ChatClient, _ failure: String, _ now: Int64) -> [String] {
        var rows = client.outgoing.prefix(Self.shownRequests).map {
            "… \(TerminalText.visible(Self.line(for: $0.request)))"
        }
        if client.outgoing.count > rows.count { rows.append("… and \(client.outgoing.count - rows.count) more") }
        switch client.phase {
        case .waiting(let until):
            let seconds = max(1, (until - now + 999) / 1000)
            rows.append("Reconnecting in \(seconds) s; Enter tries now. \(TerminalText.visible(failure))")
        case .connecting, .joining: rows.append(client.session == nil ? "Connecting…" : "Reconnecting…")
        case .joined:
            let names = client.typists.keys.sorted().map { TerminalText.visible($0) }
            if let name = names.first {
                rows.append(names.count > 1 ? "Several people are typing…" : "\(name) is typing…")
            }
        case .out, .ended: break
        }
        return rows
    }
}
