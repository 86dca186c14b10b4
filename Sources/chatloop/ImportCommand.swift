import Cluster
import Server

/// `chatloop import --data DIR --cluster URL`: brings a data folder into a cluster.
struct ImportCommand {
    private var folder = ""
    private var cluster: ClusterAddress

    static func parse(
        _ arguments: [String], environment: (String) -> String?
    ) throws(UsageError) -> ImportCommand {
        var reader = ArgumentReader(arguments)
        var (folder, cluster): (String?, ClusterAddress?)
        while let argument = try reader.next() {
            switch argument {
            case .positional: throw UsageError(message: "import takes options only: --data DIR --cluster URL")
            case .option("--data"): folder = try reader.value("a folder") { $0.isEmpty ? nil : $0 }
            case .option("--cluster"): cluster = try KeptPlace.address(&reader)
            case .option: throw reader.unknown()
            }
        }
        if cluster == nil, case .cluster(let address) = try KeptPlace.choose([], environment: environment) {
            cluster = address
        }
        guard let folder, let cluster else {
            throw UsageError(message: "import takes a folder and a cluster: --data DIR --cluster URL")
        }
        return ImportCommand(folder: folder, cluster: cluster)
    }

    /// - Returns: the exit status.
    func run() -> Int32 {
        do throws(StartFailure) {
            var work = try FolderImport(folder, into: cluster)
            var count = 0
            while let room = try work.next() {
                Output.standard("\(room)\n")
                count += 1
            }
            try work.finish()
            Output.error("\(count) rooms are in the cluster now, with the server's operators, bans and tokens.\n")
            return 0
        } catch {
            Output.error("chatloop: \(error.message)\n")
            return error.kind.rawValue
        }
    }
}
