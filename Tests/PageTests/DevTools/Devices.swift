/// What a page is looked at with.
extension Tab {
    /// A window of this size (px).
    func resize(_ width: Int, _ height: Int, scale: Double = 1, isPhone: Bool = false) throws {
        try call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": scale, "mobile": isPhone])
        if isPhone { try call("Emulation.setTouchEmulationEnabled", ["enabled": true, "maxTouchPoints": 5]) }
    }

    /// The phone of many.
    func becomePhone() throws { try resize(390, 844, isPhone: true) }

    /// What the system is said to prefer, such as `prefers-color-scheme: dark`. It replaces what was said before.
    func prefer(_ features: [String: String]) throws {
        try call(
            "Emulation.setEmulatedMedia", ["features": features.map { ["name": $0.key, "value": $0.value] }])
    }

    func print() throws { try call("Emulation.setEmulatedMedia", ["media": "print"]) }

    /// The languages that the person reads.
    func speak(_ languages: String) throws {
        let agent = try string("navigator.userAgent")
        try call("Emulation.setUserAgentOverride", ["userAgent": agent, "acceptLanguage": languages])
    }

    /// Whether there is a network.
    func setNetwork(_ isThere: Bool) throws {
        try call(
            "Network.emulateNetworkConditions",
            ["offline": !isThere, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1])
    }

    /// Whether the page is in front, or in a tab behind another.
    func setVisible(_ isVisible: Bool) throws {
        try evaluate(
            """
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => \(!isVisible) });
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
            """)
    }
}
