using System.Diagnostics;
using System.Text.RegularExpressions;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>Every command of the README is run as it stands there, through the launcher, in a folder of its own.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public async Task Every_command_works()
    {
        var commands = File.ReadLines(Path.Combine(Checkout.Root, "README.md")).Select(line => line.Split("  #")[0].Trim())
            .Where(line => line.StartsWith("./", StringComparison.Ordinal)).Distinct().ToList();
        commands.ShouldContain("./boon demo");
        commands.ShouldContain("./boon cluster down");
        var folder = Directory.CreateTempSubdirectory("boon-readme-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        try
        {
            foreach (var command in commands)
                await RunAsync(command, folder);
        }
        finally
        {
            await RunAsync("./boon cluster down", folder); // also if one of them failed
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_walk_works_when_it_is_pasted_as_a_whole()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "README.md"));
        var walk = readme[readme.IndexOf("## A walk through the API", StringComparison.Ordinal)..readme.IndexOf(
            "## Status", StringComparison.Ordinal)];
        var blocks = ShellBlock.Matches(walk).Select(match => match.Groups["script"].Value).ToList();
        blocks[0].ShouldContain("./boon serve");
        var folder = Directory.CreateTempSubdirectory("boon-walk-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        File.CreateSymbolicLink(Path.Combine(folder, "boon"), Path.Combine(Checkout.Root, "boon"));
        using var serve = StartBash(folder, blocks[0].Replace("./boon", "exec ./boon", StringComparison.Ordinal));
        try
        {
            var url = "";
            while (url.Length == 0 && await serve.StandardOutput.ReadLineAsync() is { } line)
                url = line.StartsWith("Boon serves at ", StringComparison.Ordinal) ? line.Split(' ')[3] : "";
            url.ShouldNotBeEmpty("boon serve says where it serves");
            var pasted = string.Join('\n', blocks.Skip(1));
            pasted.ShouldContain("URL=http://127.0.0.1:5080");
            using var terminal = StartBash(folder, pasted.Replace("URL=http://127.0.0.1:5080", $"URL={url}", StringComparison.Ordinal));
            var output = await terminal.StandardOutput.ReadToEndAsync();
            await terminal.WaitForExitAsync();
            foreach (var promised in (string[])[
                "\"discount\":1500,\"total\":3500,\"remainingUses\":0", "{\"balances\":{\"gold\":0,\"diamond\":10}}",
                "\"state\":\"confirmed\"", "\"toPay\":{\"amount\":4505,\"currency\":\"USD\"}", "\"state\":\"cancelled\""])
                output.ShouldContain(promised);
            output.ShouldNotContain("urn:boon:error");
        }
        finally
        {
            serve.Kill(entireProcessTree: true);
            await serve.WaitForExitAsync();
            // The private PostgreSQL sees that nobody uses it any more.
            await RunAsync("./boon migrate", folder);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A shell that reads what was pasted.</summary>
    private static Process StartBash(string folder, string script)
    {
        var start = new ProcessStartInfo("bash", ["-s"])
            { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["Boon__Urls"] = "http://127.0.0.1:0";
        var process = Process.Start(start)!;
        process.StandardInput.Write(script);
        process.StandardInput.Close();
        return process;
    }

    [GeneratedRegex("```sh\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock { get; }

    private static async Task RunAsync(string command, string folder)
    {
        if (command.StartsWith("./test", StringComparison.Ordinal))
            return; // what runs this
        // What serves until Ctrl-C is stopped as by one, once it has said that it serves.
        var serves = command is "./boon serve" or "./boon demo";
        // Whoever runs tests in the background may have made SIGINT ignored, which children inherit.
        var words = command["./boon".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Path.Combine(Checkout.Root, "boon"), .. words])
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
                await Programs.RunAsync("kill", "-INT", process.Id.ToString());
                serves = false;
            }
        }
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{command}\n{output}\n{await errors}");
    }
}
