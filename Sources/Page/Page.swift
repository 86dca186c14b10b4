/// The chat page, built into the binary from `Public/`.
package enum Page {
    /// Every file of `Public/` by its name.
    package static var files: [String: [UInt8]] {
        ["index.html": PackageResources.index_html]
    }
}
