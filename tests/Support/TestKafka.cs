using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Boon.Support;

/// <summary>
/// librdkafka's mock of Kafka in a process of its own. What it cannot show: disks, the fencing of producers, access rights, the making of
/// topics, retention.
/// </summary>
public sealed class TestKafka : IAsyncDisposable
{
    private readonly Process process;

    private TestKafka(Process process, string url)
    {
        this.process = process;
        Url = url;
    }

    /// <summary>What <c>Boon:Broker:Url</c> is.</summary>
    public string Url { get; }

    public static async Task<TestKafka> StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Boon.FaultHost.dll"), "--mock-kafka"])
            { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        var process = Process.Start(start)!;
        return new TestKafka(process, await ReadAsync(process));
    }

    /// <summary>Makes a topic.</summary>
    public Task TopicAsync(string name, int partitions = 1) =>
        TellAsync(string.Create(CultureInfo.InvariantCulture, $"topic {name} {partitions}"));

    /// <summary>Its connections break, and it takes no others.</summary>
    public Task DownAsync() => TellAsync("down");

    public Task UpAsync() => TellAsync("up");

    /// <summary>SIGSTOP: it keeps its connections and says nothing any more.</summary>
    public void Freeze() => _ = Signal(process.Id, 19);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => _ = Signal(process.Id, 18);

    private async Task TellAsync(string command)
    {
        await process.StandardInput.WriteLineAsync(command);
        await process.StandardInput.FlushAsync();
        if (await ReadAsync(process) is not "done" and var answer)
            throw new InvalidOperationException($"{command}: {answer}");
    }

    private static async Task<string> ReadAsync(Process process) =>
        await process.StandardOutput.ReadLineAsync().WaitAsync(Eventually.Longest)
        ?? throw new InvalidOperationException("The mock of Kafka ended.");

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
