/// The chat page, built into the binary from `Public/`.
package enum Page {
    /// Every file of `Public/` by its name.
    package static var files: [String: [UInt8]] {
        [
            "index.html": PackageResources.index_html,
            "style.css": PackageResources.style_css,
            "start.js": PackageResources.start_js,
            "app.js": PackageResources.app_js,
            "connection.js": PackageResources.connection_js,
            "log.js": PackageResources.log_js,
            "text.js": PackageResources.text_js,
            "icon.svg": PackageResources.icon_svg,
            "manifest.webmanifest": PackageResources.manifest_webmanifest,
        ]
    }
}
