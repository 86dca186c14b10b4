// swift-tools-version: 6.2
import PackageDescription

// Chatloop has no package dependencies, its tests included: the toolchain and the system's C library and zlib are all.
//
// The targets are layers: each may use the ones it names, and none names one below it in this list.

let strict: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
    name: "chatloop",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "chatloop", targets: ["chatloop"])],
    dependencies: [],
    targets: [
        // The command line; nothing else.
        .executableTarget(
            name: "chatloop",
            dependencies: ["Server", "Talk", "Client", "Bench", "Log", "Cluster", "Chat", "Page", "Platform"],
            swiftSettings: strict),

        // The loop and its three steps, a connection's life, limits and metrics. Of Client it takes the socket alone.
        .target(
            name: "Server",
            dependencies: [
                "Client", "Sockets", "TLS", "Log", "Cluster", "Chat", "HTTP", "WebSocket", "Bytes", "Platform",
            ],
            swiftSettings: strict),
        // A chat in a terminal or a pipe.
        .target(
            name: "Talk", dependencies: ["Client", "TLS", "Sockets", "Chat", "WebSocket", "Platform"],
            swiftSettings: strict),
        // The other end: a connection, and a client with an outbox on it.
        .target(
            name: "Client", dependencies: ["Sockets", "TLS", "Chat", "HTTP", "WebSocket", "Bytes"],
            swiftSettings: strict),

        // A load of many clients, and what it measures.
        .target(
            name: "Bench",
            dependencies: ["Client", "Sockets", "TLS", "Chat", "HTTP", "WebSocket", "Bytes", "Platform"],
            swiftSettings: strict),

        // The rooms' logs on the disk.
        .target(name: "Log", dependencies: ["Chat", "Bytes", "Platform"], swiftSettings: strict),
        // Descriptors, listener, streams, pollers: the calls to the kernel.
        .target(name: "Sockets", dependencies: ["Platform"], swiftSettings: strict),
        // The C library for all of them, and every difference between systems.
        .target(name: "Platform", dependencies: ["CSystem"], swiftSettings: strict),

        // Ciphertext in, plaintext out, and the other way round, by the system's OpenSSL where it has one.
        .target(name: "TLS", dependencies: ["Platform"], swiftSettings: strict),

        // Pure: values and bytes in, values and bytes out.
        // How several nodes serve the same rooms.
        .target(name: "Cluster", dependencies: ["Bytes"], swiftSettings: strict),
        .target(name: "Chat", dependencies: ["Bytes"], swiftSettings: strict),
        .target(name: "WebSocket", dependencies: ["HTTP", "Bytes", "CSystem"], swiftSettings: strict),
        .target(name: "HTTP", dependencies: ["Bytes", "CSystem"], swiftSettings: strict),
        .target(name: "Bytes", swiftSettings: strict),

        // What the standard modules lack: epoll, zlib. Headers only.
        .systemLibrary(name: "CSystem"),
        // The files of Public, built into the binary. They lie outside of Sources, hence the path and the exclusions.
        .target(
            name: "Page", path: ".",
            exclude: [
                "README.md", "Tests", "Sources/README.md", "Sources/Bench", "Sources/Bytes", "Sources/CSystem",
                "Sources/Chat", "Sources/Client", "Sources/Cluster", "Sources/HTTP", "Sources/Log", "Sources/Platform",
                "Sources/Server",
                "Sources/Sockets", "Sources/TLS", "Sources/Talk", "Sources/WebSocket", "Sources/chatloop",
            ],
            sources: ["Sources/Page"], resources: [.embedInCode("Public")], swiftSettings: strict),

        .testTarget(name: "BytesTests", dependencies: ["Support", "Bytes"]),
        .testTarget(name: "WebSocketTests", dependencies: ["Support", "WebSocket", "HTTP", "Bytes"]),
        .testTarget(name: "HTTPTests", dependencies: ["Support", "HTTP", "CSystem"]),
        .testTarget(name: "ChatTests", dependencies: ["Support", "Chat"]),
        .testTarget(name: "SmallWorldTests", dependencies: ["Chat", "Bytes"]),
        .testTarget(
            name: "ClusterTests", dependencies: ["Support", "Simulation", "Cluster", "Bytes", "Platform"]),
        .testTarget(
            name: "LogTests", dependencies: ["Log", "Chat", "Bytes", "Simulation"], exclude: ["Fixtures"]),
        .testTarget(name: "SocketsTests", dependencies: ["Support", "Sockets", "Platform"]),
        .testTarget(name: "TLSTests", dependencies: ["Support", "TLS", "Platform"]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Support", "Server", "Client", "Cluster", "Page", "Platform", "Sockets", "TLS", "WebSocket",
            ]),
        // The real server and real clients, and things that are killed.
        .testTarget(name: "CrashTests", dependencies: ["Support", "Simulation", "Checker", "Client", "Sockets"]),
        // The real server among the hostile.
        .testTarget(name: "AbuseTests", dependencies: ["Support", "WebSocket"]),
        // The page in a real browser.
        .testTarget(name: "PageTests", dependencies: ["Support", "Page", "HTTP"]),
        // The built command, started, a client that does what a test says, and random numbers that repeat.
        .target(name: "Support", dependencies: ["Client", "WebSocket", "TLS", "Platform"], path: "Tests/Support"),
        .testTarget(name: "BenchTests", dependencies: ["Bench", "Client"]),
        .testTarget(name: "ClientTests", dependencies: ["Support", "Client", "Chat", "HTTP", "Sockets", "WebSocket"]),
        .testTarget(name: "TalkTests", dependencies: ["Support", "Talk", "Client", "Chat", "Sockets"]),

        // A simulated world around the shipped server, and what is found in it.
        .target(
            name: "Simulation",
            dependencies: ["Checker", "Server", "Client", "Log", "Cluster", "Chat", "WebSocket", "Sockets", "Bytes"],
            path: "Tests/Simulation"),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation"]),

        // Judges what clients have sent and received by the protocol's promises alone, and shares no code with the server.
        .target(name: "Checker", path: "Tests/Checker"),
        .testTarget(name: "CheckerTests", dependencies: ["Checker"]),
    ]
)
