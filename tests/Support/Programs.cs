using System.Diagnostics;
using Shouldly;

namespace Boon.Support;

/// <summary>Runs programs of this machine to their end.</summary>
public static class Programs
{
    /// <summary>What a program left behind.</summary>
    public sealed record Result(int Status, string Output, string Errors);

    /// <summary>Runs a program that must succeed; answers what it wrote to its output.</summary>
    public static Task<string> RunAsync(string program, params string[] arguments) => RunAsync(new ProcessStartInfo(program, arguments));

    /// <summary>The same in a folder, or in another environment.</summary>
    public static async Task<string> RunAsync(ProcessStartInfo start)
    {
        var result = await TryAsync(start);
        result.Status.ShouldBe(0, $"{start.FileName} {string.Join(' ', start.ArgumentList)}\n{result.Output}\n{result.Errors}");
        return result.Output;
    }

    /// <summary>Runs a program that may fail.</summary>
    public static async Task<Result> TryAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new(process.ExitCode, output, await errors);
    }
}
