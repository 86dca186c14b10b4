import Foundation
import Testing

/// The judge has to be judged, too: bugs are planted into the server, and each must be found.
///
/// `CHATLOOP_PLANTED=1` builds a copy of the sources with all of them and tries one after the other, which takes some minutes;
/// `CHATLOOP_PLANTED=N` with another N tries each with up to N seeds. `CHATLOOP_PLANTED_IN=cluster` tries those alone that it takes
/// several nodes to see, and `CHATLOOP_PLANTED_IN=server` the others.
@Suite(.serialized) struct PlantedBugTests {
    private static let wanted = ProcessInfo.processInfo.environment["CHATLOOP_PLANTED"].flatMap(Int.init)
    private static let place = ProcessInfo.processInfo.environment["CHATLOOP_PLANTED_IN"]
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// Beside the other products of builds, so that a second time builds only what is new.
    private static let folder = root.appending(path: ".build/planted")
    private static let modules = [
        "Bytes", "CSystem", "Chat", "Client", "Cluster", "HTTP", "Log", "Platform", "Server", "Sockets", "TLS",
        "WebSocket",
    ]

    /// A planted bug whose place has gone finds nothing, and nobody would notice.
    @Test(arguments: PlantedBug.all) func theirPlaceIsThereOnce(bug: PlantedBug) throws {
        let source = try String(contentsOf: Self.root.appending(path: "Sources/\(bug.file)"), encoding: .utf8)
        #expect(source.components(separatedBy: bug.text).count == 2, "\(bug.file): \(bug.text)")
        #expect(bug.replacement.contains("%") && bug.replacement != bug.text)
    }

    @Test(.enabled(if: wanted != nil, "CHATLOOP_PLANTED asks for no planted bugs: building them takes minutes"))
    func allOfThemAreFound() throws {
        try build()
        let most = max(Self.wanted ?? 1, 1) == 1 ? 1000 : Self.wanted ?? 1
        // Without a bug nothing is found, or the seeds below would mean nothing.
        for world in ["server", "cluster"] where Self.place ?? world == world {
            let healthy = try search(for: 0, most: 20, in: world)
            #expect(healthy == nil, "without a bug: \(healthy ?? "")")
        }
        for (index, bug) in PlantedBug.all.enumerated() where bug.isVisible {
            let world = bug.isInCluster ? "cluster" : "server"
            guard Self.place ?? world == world else { continue }
            let start = ContinuousClock.now
            let found = try search(for: index + 1, most: most, in: world)
            #expect(found != nil, "not found in \(most) seeds: \(bug.name)")
            print("\(bug.name): \(found ?? "NOT FOUND") (\((ContinuousClock.now - start).components.seconds) s)")
        }
    }

    /// Runs seeds with one bug.
    ///
    /// - Returns: how it was found; nil if it was not.
    private func search(for bug: Int, most: Int, in world: String) throws -> String? {
        let result = try run(
            Self.folder.appending(path: ".build/release/planted").path, ["\(bug)", "\(most)", world])
        let last = result.output.split(separator: "\n").last { $0.hasPrefix("seed") }.map(String.init)
        if result.code == 0 { return nil }
        // A trap is a way to be found, too.
        return result.code == 1 ? last : "\(last ?? ""): the server crashed"
    }

    // MARK: Building

    private func build() throws {
        let files = FileManager.default
        try files.createDirectory(at: Self.folder, withIntermediateDirectories: true)
        for module in Self.modules { try copy(Self.root.appending(path: "Sources/\(module)"), "Sources/\(module)") }
        for module in ["Simulation", "Checker"] {
            try copy(Self.root.appending(path: "Tests/\(module)"), "Sources/\(module)")
        }
        for (file, bugs) in Dictionary(grouping: PlantedBug.all.enumerated(), by: { $0.element.file }) {
            let path = Self.folder.appending(path: "Sources/\(file)")
            var source = try String(contentsOf: path, encoding: .utf8)
            for (index, bug) in bugs {
                let condition = "(plantedBug == \(index + 1))"
                source = source.replacing(bug.text, with: bug.replacement.replacing("%", with: condition))
            }
            try write("import Planted\n" + source, "Sources/\(file)")
        }
        try write("nonisolated(unsafe) public var plantedBug = 0\n", "Sources/Planted/Planted.swift")
        try write(Self.program, "Sources/planted/main.swift")
        try write(Self.manifest, "Package.swift")
        let build = try run(
            "/usr/bin/env",
            ["swift", "build", "-c", "release", "--product", "planted", "--package-path", Self.folder.path])
        try #require(build.code == 0, "the planted bugs do not build: \(build.output.suffix(3000))")
    }

    /// Copies a folder's files where they differ, so that only those are compiled again.
    private func copy(_ source: URL, _ target: String) throws {
        for file in try FileManager.default.subpathsOfDirectory(atPath: source.path) where file.contains(".") {
            try write(try String(contentsOf: source.appending(path: file), encoding: .utf8), "\(target)/\(file)")
        }
    }

    private func write(_ text: String, _ name: String) throws {
        let path = Self.folder.appending(path: name)
        if (try? String(contentsOf: path, encoding: .utf8)) == text { return }
        try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: path, atomically: true, encoding: .utf8)
    }

    private func run(_ path: String, _ arguments: [String]) throws -> (code: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationReason == .exit ? process.terminationStatus : 128,
            String(decoding: output, as: UTF8.self)
        )
    }

    private static let program = """
        import Foundation
        import Planted
        import Simulation

        nonisolated(unsafe) var current: UInt64 = 0
        // A server that never comes back is found, too.
        Thread.detachNewThread {
            var last: UInt64 = 0
            while true {
                sleep(100)
                if current == last {
                    print(": the server hangs")
                    exit(1)
                }
                last = current
            }
        }
        plantedBug = Int(CommandLine.arguments[1]) ?? 0
        let most = UInt64(CommandLine.arguments[2]) ?? 1
        for seed in 1...most {
            print("seed \\(seed)", terminator: "")
            fflush(nil)
            current = seed
            let failure: String?
            if CommandLine.arguments.count > 3, CommandLine.arguments[3] == "cluster" {
                let run = SeveralNodes(SeveralPlan(seed: seed))
                run.run()
                failure = run.judge.failure
            } else {
                let run = Simulator(Plan(seed: seed))
                run.run()
                failure = run.judge.failure
            }
            if let failure {
                print(": \\(failure)")
                exit(1)
            }
            print("")
        }
        """

    private static let manifest = """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: "planted", platforms: [.macOS(.v15)],
            targets: [
                .executableTarget(name: "planted", dependencies: ["Simulation", "Planted"]),
                .target(
                    name: "Simulation",
                    dependencies: [
                        "Checker", "Server", "Client", "Log", "Cluster", "Chat", "WebSocket", "Sockets", "Bytes",
                    ]),
                .target(name: "Checker"),
                .target(
                    name: "Server",
                    dependencies: [
                        "Sockets", "TLS", "Log", "Cluster", "Chat", "HTTP", "WebSocket", "Bytes", "Platform", "Planted",
                    ]),
                .target(name: "Client", dependencies: ["Sockets", "TLS", "Chat", "HTTP", "WebSocket", "Bytes"]),
                .target(name: "Log", dependencies: ["Chat", "Bytes", "Platform", "Planted"]),
                .target(name: "Sockets", dependencies: ["Platform"]),
                .target(name: "Platform", dependencies: ["CSystem"]),
                .target(name: "TLS", dependencies: ["Platform"]),
                .target(name: "Chat", dependencies: ["Bytes", "Planted"]),
                .target(name: "WebSocket", dependencies: ["HTTP", "Bytes", "CSystem"]),
                .target(name: "HTTP", dependencies: ["Bytes", "CSystem"]),
                .target(name: "Cluster", dependencies: ["Bytes", "Planted"]),
                .target(name: "Bytes"),
                .target(name: "Planted"),
                .systemLibrary(name: "CSystem"),
            ])

        """
}
