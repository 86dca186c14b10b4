/// The chat page, built into the binary from `Public/`.
package enum Page {
    /// Every file of `Public/` by its name, as it is served: comments and indentation are for those who read the sources, and
    /// would be a fifth of what a visitor has to wait for.
    package static var files: [String: [UInt8]] {
        var files = sources
        for (name, body) in sources where [".js", ".css"].contains(where: name.hasSuffix) { files[name] = bare(body) }
        return files
    }

    /// The same as they stand in the repository.
    package static var sources: [String: [UInt8]] {
        [
            "actions.js": PackageResources.actions_js,
            "app.js": PackageResources.app_js,
            "changes.js": PackageResources.changes_js,
            "commands.js": PackageResources.commands_js,
            "complete.js": PackageResources.complete_js,
            "composer.js": PackageResources.composer_js,
            "connection.js": PackageResources.connection_js,
            "dom.js": PackageResources.dom_js,
            "emoji-names.txt": PackageResources.emoji_names_txt,
            "emoji.js": PackageResources.emoji_js,
            "entry.js": PackageResources.entry_js,
            "icon.svg": PackageResources.icon_svg,
            "index.html": PackageResources.index_html,
            "inviting.js": PackageResources.inviting_js,
            "log.css": PackageResources.log_css,
            "log.js": PackageResources.log_js,
            "looks.js": PackageResources.looks_js,
            "manifest.webmanifest": PackageResources.manifest_webmanifest,
            "marks.js": PackageResources.marks_js,
            "mentions.js": PackageResources.mentions_js,
            "menus.js": PackageResources.menus_js,
            "notices.js": PackageResources.notices_js,
            "noticing.js": PackageResources.noticing_js,
            "options.js": PackageResources.options_js,
            "outbox.js": PackageResources.outbox_js,
            "pair.js": PackageResources.pair_js,
            "panels.css": PackageResources.panels_css,
            "people.js": PackageResources.people_js,
            "reading.js": PackageResources.reading_js,
            "rooms.js": PackageResources.rooms_js,
            "rows.js": PackageResources.rows_js,
            "search.js": PackageResources.search_js,
            "start.js": PackageResources.start_js,
            "status.js": PackageResources.status_js,
            "store.js": PackageResources.store_js,
            "style.css": PackageResources.style_css,
            "words-de.js": PackageResources.words_de_js,
            "words-fr.js": PackageResources.words_fr_js,
            "words.js": PackageResources.words_js,
            "worker.js": PackageResources.worker_js,
        ]
    }

    /// A script or a style sheet without the lines that are nothing but comment, and without the tabs before the others. What
    /// stands behind something else in a line stays: only a parser could tell a comment from a text there.
    private static func bare(_ body: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var isWithin = false
        for line in body.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let text = line.drop { $0 == 0x09 || $0 == 0x20 }
            let (isLine, begins) = (text.starts(with: Array("//".utf8)), text.starts(with: Array("/*".utf8)))
            if isWithin || begins || isLine {
                if begins { isWithin = true }
                // A block's last line holds nothing behind its end.
                if isWithin, Array(text.suffix(2)) == Array("*/".utf8) { isWithin = false }
                continue
            }
            if !text.isEmpty { result += text + [0x0A] }
        }
        return result
    }
}
