using System.CommandLine;
using System.CommandLine.Help;
using Boon.Host.Commands;
using Boon.Platform;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.PrivatePostgres;
using Spectre.Console;

namespace Boon.Host;

/// <summary>
/// The command line: <c>boon serve</c>, <c>migrate</c>, <c>demo</c>, <c>coupons</c>, <c>replay</c>, <c>dead-letters</c>, <c>log</c>,
/// <c>ship</c>, <c>operators</c>, <c>cluster</c>.
/// </summary>
internal static class Cli
{
    internal static async Task<int> RunAsync(string[] args)
    {
        using var signals = new Signals();
        var root = CreateRoot(signals);
        try
        {
            return await root.Parse(args)
                .InvokeAsync(
                    new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, signals.Stop);
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
        catch (Exception error) when (Explain(error) is { } message)
        {
            await Console.Error.WriteLineAsync($"boon: {message}");
            return 1;
        }
    }

    /// <summary>Every command. (A RootCommand is named after the program's file, which nobody types.)</summary>
    internal static Command CreateRoot(Signals signals) => new(
        "boon",
        "Boon: a self-hosted, event-driven incentives engine.\n\n"
        + "Start with `boon demo`: it shows the first 100 who sign in get a voucher, on a database of its own.\n"
        + "Settings are environment variables or appsettings.json: ConnectionStrings__Boon (your PostgreSQL), Boon__Data,\n"
        + "Boon__Operator__Password, Boon__Log__Level; docs/guide/settings.md has all of them.")
    {
        new HelpOption(),
        new VersionOption(),
        ServeCommand.Create(signals),
        MigrateCommand.Create(),
        DemoCommand.Create(),
        CouponsCommand.Create(),
        ReplayCommand.Create(),
        DeadLettersCommand.Create(),
        LogCommand.Create(),
        ShipCommand.Create(),
        OperatorsCommand.Create(),
        ClusterCommand.Create(),
    };

    /// <summary>Errors that a person can mend, in a sentence; null for bugs, which keep their stack trace.</summary>
    private static string? Explain(Exception error) => error switch
    {
        PrivatePostgresException or SetupException or UnknownVersionException => error.Message,
        Npgsql.PostgresException postgres when PostgresErrors.IsMissingTable(postgres) =>
            $"The database lacks migrations ({postgres.MessageText}): run `boon migrate`.",
        Npgsql.PostgresException postgres =>
            $"PostgreSQL refused: {postgres.MessageText} ({postgres.SqlState}). Check ConnectionStrings__Boon.",
        Npgsql.NpgsqlException npgsql =>
            $"PostgreSQL cannot be reached: {npgsql.InnerException?.Message ?? npgsql.Message}. Check ConnectionStrings__Boon.",
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } =>
            $"{error.Message} Choose another address with --urls.",
        IOException or UnauthorizedAccessException => error.Message,
        _ => null,
    };

    /// <summary>Output that goes to a file or another program has no colours and lines of one width.</summary>
    internal static void PlainWhenRedirected()
    {
        if (!Console.IsOutputRedirected)
            return;
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        AnsiConsole.Profile.Width = 120;
    }

    internal static Option<string?> DataOption() =>
        new("--data") { Description = "The folder of the private PostgreSQL, keys and logs (default .boon; setting Boon__Data)." };

    internal static Option<string?> UrlsOption() =>
        new("--urls") { Description = "The address to listen at (default http://127.0.0.1:5080). Separate several with ;" };
}
