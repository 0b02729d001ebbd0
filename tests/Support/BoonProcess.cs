using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Boon.Support;

/// <summary>A real process of Boon (the test host with its switches), which can be killed, frozen and thawed.</summary>
public sealed class BoonProcess : IAsyncDisposable
{
    private const int Sigkill = 9;
    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();
    private readonly TaskCompletionSource<string> serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource signalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BoonProcess(Process process) => this.process = process;

    /// <summary>Starts it with arguments for the test host and Boon, and settings as environment.</summary>
    public static BoonProcess Start(IReadOnlyDictionary<string, string> settings, params string[] arguments) =>
        StartIn(Environment.CurrentDirectory, settings, arguments);

    /// <summary>Starts it in a folder, whose appsettings.json it reads.</summary>
    public static BoonProcess StartIn(string folder, IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
            { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Boon.FaultHost.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["Boon__DrainTime"] = "00:00:00"; // no balancer sends it anything, unless the test says so
        foreach (var (key, value) in settings)
            start.Environment[key] = value;
        return Run(start);
    }

    /// <summary>Starts a program that becomes Boon, such as a script that ends in <c>exec</c>.</summary>
    public static BoonProcess StartProgram(string program, params string[] arguments) =>
        Run(new ProcessStartInfo(program, arguments)
            { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false });

    private static BoonProcess Run(ProcessStartInfo start)
    {
        var started = new BoonProcess(new Process { StartInfo = start, EnableRaisingEvents = true });
        started.process.OutputDataReceived += (_, line) => started.Saw(line.Data);
        started.process.ErrorDataReceived += (_, line) => started.Saw(line.Data);
        started.process.Exited += async (_, _) =>
        {
            await started.process.WaitForExitAsync(); // until its last words are read
            started.serving.TrySetException(new InvalidOperationException("The process ended:\n" + started.Output));
        };
        started.process.Start();
        started.process.BeginOutputReadLine();
        started.process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Everything it wrote.</summary>
    public string Output => string.Join('\n', output);

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>True after SIGKILL, its own or another's.</summary>
    public bool WasKilled => process.HasExited && process.ExitCode == 128 + Sigkill;

    /// <summary>Waits until it serves; answers the address.</summary>
    public Task<string> Serving(TimeSpan? within = null) => serving.Task.WaitAsync(within ?? Eventually.Longest);

    /// <summary>True once it has sent itself the signal that a switch asked for.</summary>
    public bool HasSignalled => signalled.Task.IsCompletedSuccessfully;

    /// <summary>Waits until it has sent itself the signal that a switch asked for.</summary>
    public Task Signalled(TimeSpan? within = null) => signalled.Task.WaitAsync(within ?? Eventually.Longest);

    /// <summary>Waits for its end; answers the exit status.</summary>
    public async Task<int> Exited(TimeSpan? within = null)
    {
        using var limit = new CancellationTokenSource(within ?? Eventually.Longest);
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode;
    }

    /// <summary>SIGKILL.</summary>
    public async Task Kill()
    {
        if (!process.HasExited)
            _ = Signal(process.Id, Sigkill);
        await Exited();
    }

    /// <summary>SIGTERM: the graceful way.</summary>
    public void Terminate() => _ = Signal(process.Id, 15);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => _ = Signal(process.Id, 18);

    private void Saw(string? line)
    {
        if (line is null)
            return;
        output.Enqueue(line);
        if (line.StartsWith("Boon serves at ", StringComparison.Ordinal))
            serving.TrySetResult(line.Split(' ')[3]);
        if (line.StartsWith("signal ", StringComparison.Ordinal))
            signalled.TrySetResult();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);

    public async ValueTask DisposeAsync()
    {
        await Kill();
        process.Dispose();
    }
}
