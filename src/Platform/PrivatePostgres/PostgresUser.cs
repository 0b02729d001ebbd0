using System.Security.Cryptography;
using System.Text;

namespace Boon.Platform.PrivatePostgres;

/// <summary>
/// The system's user that a private cluster belongs to: the one of Boon. PostgreSQL refuses to run as root; then its programs run as the
/// user <c>postgres</c>, in a folder that this user can reach.
/// </summary>
internal sealed class PostgresUser(bool isRoot)
{
    private const string SystemUser = "postgres";
    private const string RootFallback = "/var/lib/boon";

    private static string[] AsSystemUser => ["--reuid", SystemUser, "--regid", SystemUser, "--init-groups", "--reset-env"];

    /// <summary>As root: the folder itself if the user postgres can reach it, else one under /var/lib/boon, which is said.</summary>
    internal static async Task<string> ReachableHomeAsync(string folder, string home, Action<string> announce, CancellationToken ct)
    {
        var (known, _) = await ProgramRun.RunAsync("id", ["-u", SystemUser], ct);
        if (known != 0)
            throw new PrivatePostgresException($"PostgreSQL does not run as root, and there is no user '{SystemUser}' to run it as: "
                + $"install the package postgresql, run Boon as another user, or set ConnectionStrings__Boon.");
        if (await TryMakeAsync(home))
            return home;
        if (Directory.Exists(home) && !Directory.EnumerateFileSystemEntries(home).Any())
            Directory.Delete(home);
        var fallback = Path.Combine(RootFallback, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..16]);
        announce($"The user '{SystemUser}' cannot reach {folder}: the private PostgreSQL is in {fallback} instead.");
        Directory.CreateDirectory(RootFallback);
        return await TryMakeAsync(fallback)
            ? fallback : throw new PrivatePostgresException($"The user '{SystemUser}' can reach neither {folder} nor {fallback}.");

        async Task<bool> TryMakeAsync(string path)
        {
            var (made, _) = await ProgramRun.RunAsync("install", ["-d", "-o", SystemUser, "-g", SystemUser, "-m", "700", path], ct);
            return made == 0 && (await ProgramRun.RunAsync("setpriv", [.. AsSystemUser, "test", "-w", path], ct)).Status == 0;
        }
    }

    /// <summary>Runs a program to its end as this user.</summary>
    internal Task<(int Status, string Output)> RunAsync(string program, string[] arguments, CancellationToken ct) =>
        isRoot ? ProgramRun.RunAsync("setpriv", [.. AsSystemUser, program, .. arguments], ct) : ProgramRun.RunAsync(program, arguments, ct);

    /// <summary>Makes a folder that is this user's alone.</summary>
    internal async Task MakeFolderAsync(string path, CancellationToken ct)
    {
        if (!isRoot)
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        else if ((await ProgramRun.RunAsync("install", ["-d", "-o", SystemUser, "-g", SystemUser, "-m", "700", path], ct)) is
            { Status: not 0, Output: var output })
            throw new PrivatePostgresException($"{path} cannot be made: {output}");
    }

    /// <summary>Writes a file that is this user's alone.</summary>
    internal async Task WriteAsync(string path, string text, CancellationToken ct)
    {
        await using (var file = new FileStream(
            path, new FileStreamOptions
            { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            await file.WriteAsync(Encoding.ASCII.GetBytes(text), ct);
        if (isRoot)
            await ProgramRun.RunAsync("chown", [$"{SystemUser}:{SystemUser}", path], ct);
    }
}
