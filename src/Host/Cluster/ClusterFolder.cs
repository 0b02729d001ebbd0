using System.Text.Json;
using Boon.Platform;
using Boon.Platform.Input;

namespace Boon.Host.Cluster;

/// <summary>What a cluster is, kept for the next command.</summary>
/// <param name="Broker">What joins its modules: <c>none</c> for one database.</param>
/// <param name="Replicas">Processes of each module.</param>
/// <param name="Urls">Where its gateway listens.</param>
/// <param name="Ports">The port of each process.</param>
/// <param name="Postgres">The folder of its PostgreSQL, once there is one.</param>
internal sealed record ClusterState(
    string Broker, int Replicas, string Urls, IReadOnlyDictionary<string, int> Ports, string? Postgres);

/// <summary>
/// The files of a cluster. All but the folder itself are its user's alone: as root, PostgreSQL's user must get through it.
/// </summary>
internal sealed class ClusterFolder(string root)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>All of it.</summary>
    internal string Root { get; } = Path.GetFullPath(root);

    /// <summary>The folder of the private PostgreSQL; not the cluster's own, where another command would look for one and end it.</summary>
    internal string Database => Path.Combine(Root, "database");

    /// <summary>The key ring of all processes.</summary>
    internal string Keys => Path.Combine(Root, "keys");

    /// <summary>Settings with which other commands of Boon work on this cluster, for a shell to read.</summary>
    internal string Environment => Path.Combine(Root, "env");

    private string StateFile => Path.Combine(Root, "cluster.json");

    private string Processes => Path.Combine(Root, "processes");

    internal bool Exists => Directory.Exists(Root);

    /// <summary>One command at a time works on a cluster; the kernel's lock goes with its process.</summary>
    internal FileStream Lock()
    {
        Directory.CreateDirectory(Root);
        try
        {
            return new FileStream(Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (error is not (DirectoryNotFoundException or FileNotFoundException))
        {
            throw new SetupException($"Another command is at work on the cluster in {Root}: try again when it has ended.", error);
        }
    }

    /// <summary>What the last <c>up</c> wrote; null before the first.</summary>
    internal ClusterState? ReadState() =>
        File.Exists(StateFile) ? JsonSerializer.Deserialize<ClusterState>(File.ReadAllText(StateFile), Json.Options) : null;

    internal void Write(ClusterState state) => Write(StateFile, JsonSerializer.Serialize(state, Json.Options) + "\n");

    /// <summary>The file of a secret.</summary>
    internal string Secret(string name) => Path.Combine(Root, "secrets", name);

    /// <summary>Writes a secret; answers its file.</summary>
    internal string WriteSecret(string name, string value)
    {
        PrivateFolder.Create(Path.Combine(Root, "secrets"));
        Write(Secret(name), value + "\n");
        return Secret(name);
    }

    /// <summary>A secret that is made once; answers its file.</summary>
    internal string KeepSecret(string name, Func<string> make) => File.Exists(Secret(name)) ? Secret(name) : WriteSecret(name, make());

    /// <summary>The folder of a process, with the key ring of all in it.</summary>
    internal string MakeHome(string process)
    {
        PrivateFolder.Create(Keys);
        PrivateFolder.Create(Processes);
        var home = PrivateFolder.Create(Path.Combine(Processes, process)).FullName;
        var keys = Path.Combine(home, "keys");
        if (!Path.Exists(keys))
            File.CreateSymbolicLink(keys, Keys);
        return home;
    }

    /// <summary>The folder of a process.</summary>
    internal string Home(string process) => Path.Combine(Processes, process);

    /// <summary>Every process that was ever started, whatever has become of it.</summary>
    internal IReadOnlyList<string> Started() => Directory.Exists(Processes)
        ? [.. Directory.GetDirectories(Processes).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>Writes a file that only its user reads, whole or not at all.</summary>
    internal static void Write(string path, string text)
    {
        var draft = path + ".new";
        File.Delete(draft);
        using (var writer = new StreamWriter(draft, new FileStreamOptions
            { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            writer.Write(text);
        File.Move(draft, path, overwrite: true);
    }
}
