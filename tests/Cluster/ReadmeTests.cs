using System.Diagnostics;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>Every command of the README is run as it stands there, through the launcher, in a folder of its own.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task Every_command_works()
    {
        var commands = File.ReadLines(Path.Combine(Checkout.Root, "README.md")).Select(line => line.Split("  #")[0].Trim()).Where(line => line.StartsWith("./", StringComparison.Ordinal)).Distinct().ToList();
        commands.ShouldContain("./boon demo");
        var folder = Directory.CreateTempSubdirectory("boon-readme-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        try
        {
            foreach (var command in commands)
                await RunAsync(command, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAsync(string command, string folder)
    {
        if (command.StartsWith("./test", StringComparison.Ordinal))
            return; // what runs this
        // What serves until Ctrl-C is stopped as by one, once it has said that it serves.
        var serves = command is "./boon serve" or "./boon demo";
        // Whoever runs tests in the background may have made SIGINT ignored, which children inherit.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Path.Combine(Checkout.Root, "boon"), .. command["./boon".Length..].Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries)])
        { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["Boon__Urls"] = "http://127.0.0.1:0";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = "";
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            output += line + "\n";
            if (serves && (line.Contains("Ctrl-C", StringComparison.Ordinal)))
            {
                using var interrupt = Process.Start("kill", ["-INT", process.Id.ToString()]);
                await interrupt.WaitForExitAsync();
                serves = false;
            }
        }
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{command}\n{output}\n{await errors}");
    }
}
