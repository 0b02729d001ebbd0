using System.Globalization;

namespace Boon.Platform.PrivatePostgres;

/// <summary>Finds PostgreSQL's programs.</summary>
internal static class PostgresBinaries
{
    private const int OldestMajor = 15;
    private static readonly string[] Programs = ["postgres", "initdb", "pg_ctl"];

    /// <summary>The folder to use: the one of the version that made the data, if there is data; else the newest.</summary>
    /// <exception cref="PrivatePostgresException">There is none.</exception>
    internal static async Task<string> FindAsync(string? configured, string? dataVersion, CancellationToken ct)
    {
        if (!string.IsNullOrEmpty(configured))
            return IsComplete(configured) ? configured
                : throw new PrivatePostgresException(
                    $"Boon__Postgres__Binaries is {configured}, but postgres, initdb and pg_ctl are not all there.");
        var candidates = Candidates().Where(IsComplete).Distinct(StringComparer.Ordinal).ToList();
        if (candidates.Count == 0)
            throw new PrivatePostgresException("""
                No PostgreSQL programs were found. Do one of these:
                  1. install PostgreSQL 15 or newer: apt-get install postgresql
                     (or: dnf install postgresql-server; brew install postgresql@17)
                  2. set Boon__Postgres__Binaries to the folder that has postgres, initdb and pg_ctl
                  3. set ConnectionStrings__Boon to a PostgreSQL of yours: "Host=...;Username=...;Password=...;Database=boon"
                """);
        if (dataVersion is null)
        {
            foreach (var candidate in candidates)
                if (int.TryParse(await MajorAsync(candidate, ct), out var major) && major >= OldestMajor)
                    return candidate;
            throw new PrivatePostgresException($"PostgreSQL {OldestMajor} or newer is needed; {candidates[0]} has "
                + $"{await MajorAsync(candidates[0], ct)}. Install a newer one, or set Boon__Postgres__Binaries to it.");
        }
        foreach (var candidate in candidates)
            if (await MajorAsync(candidate, ct) == dataVersion)
                return candidate;
        throw new PrivatePostgresException(
            $"The data was made by PostgreSQL {dataVersion}, but its programs were not found (there is "
                + $"{await MajorAsync(candidates[0], ct)} in {candidates[0]}). "
            + "Install that version, or set Boon__Postgres__Binaries to it, or move the data with pg_upgrade.");
    }

    private static IEnumerable<string> Candidates()
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
        // Debian and Ubuntu; RHEL and Fedora; Homebrew on Apple and Intel; the installer on macOS.
        foreach (var pattern in (string[])[
            "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
            "/Library/PostgreSQL/*/bin"])
        {
            var star = pattern.IndexOf('*', StringComparison.Ordinal);
            var parent = Path.GetDirectoryName(pattern[..star])!;
            var prefix = Path.GetFileName(pattern[..star]);
            if (!Directory.Exists(parent))
                continue;
            var versions = Directory.EnumerateDirectories(parent, prefix + "*")
                .OrderByDescending(folder =>
                    double.TryParse(Path.GetFileName(folder)[prefix.Length..], CultureInfo.InvariantCulture, out var version)
                    ? version : 0);
            foreach (var folder in versions)
                yield return Path.Combine(folder, "bin");
        }
    }

    private static bool IsComplete(string folder) => Programs.All(program => File.Exists(Path.Combine(folder, program)));

    private static async Task<string?> MajorAsync(string folder, CancellationToken ct)
    {
        var (_, output) = await ProgramRun.RunAsync(Path.Combine(folder, "postgres"), ["--version"], ct); // postgres (PostgreSQL) 15.18
        return output.Split(' ').FirstOrDefault(word => word.Length > 0 && char.IsAsciiDigit(word[0]))?.Split('.')[0].Trim();
    }
}

/// <summary>Runs a program to its end.</summary>
internal static class ProgramRun
{
    /// <summary>Answers the exit status and everything it wrote.</summary>
    internal static async Task<(int Status, string Output)> RunAsync(string program, IEnumerable<string> arguments, CancellationToken ct)
    {
        var start = new System.Diagnostics.ProcessStartInfo(program, arguments)
            { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        // A folder that the program's user may not enter would be its working directory otherwise.
        start.WorkingDirectory = "/";
        using var process = System.Diagnostics.Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var errors = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return (process.ExitCode, await output + await errors);
    }
}
