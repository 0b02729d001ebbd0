using System.Buffers.Text;
using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Boon.Host.Demo;
using Boon.Platform;
using Boon.Platform.PrivatePostgres;
using Spectre.Console;

namespace Boon.Host.Commands;

/// <summary><c>boon demo</c>: the main job, on a fresh database of its own.</summary>
internal static class DemoCommand
{
    private const int DefaultPort = 5080;

    internal static Command Create()
    {
        var once = new Option<bool>("--once")
            { Description = "End after the report. The exit status is 0 only if every check in it holds." };
        var members = new Option<string?>("--members")
            { Description = "A CSV of people: username,email,phone,password,fullName,birthday (default: 250 that come with Boon).",
            HelpName = "FILE" };
        var urls = Cli.UrlsOption();
        var data = Cli.DataOption();
        var command = new Command(
            "demo", "Shows Boon at work: the first 100 people who sign in get 30 % off. Then it serves until Ctrl-C.")
            { once, members, urls, data };
        command.SetAction((result, ct) =>
            RunAsync(result.GetValue(once), result.GetValue(members), result.GetValue(urls), result.GetValue(data), ct));
        return command;
    }

    private static async Task<int> RunAsync(bool once, string? file, string? urls, string? data, CancellationToken ct)
    {
        Cli.PlainWhenRedirected();
        var members = Member.Read(file ?? Path.Combine(AppContext.BaseDirectory, "Demo", "members.csv"));
        using var configuration = new ConfigurationManager();
        HostConfiguration.Load(configuration, settings: null, BoonHost.AllModules);
        var folder = Path.Combine(data ?? Settings.Data.Of(configuration), "demo");
        var server = Settings.Database.Of(configuration);
        await using var postgres = server is null
            ? await PrivatePostgres.StartAsync(
                new PrivatePostgresOptions(folder, Settings.PostgresBinaries.Of(configuration)), Console.WriteLine, ct)
            : null;
        await using var database = await DemoDatabase.CreateAsync(postgres?.ConnectionString ?? server!, ct);
        var password = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(12));
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:Boon"] = database.ConnectionString,
            ["Boon:Operator:Password"] = password,
            ["Boon:Migrate"] = "true",
            ["Boon:SignUp:PerAddress"] = "1000000000", // all its people come from here
        };
        // Nothing of the demo goes into a database that the settings name for a module.
        foreach (var module in BoonHost.AllModules)
            settings[$"ConnectionStrings:{module.Name}"] = database.ConnectionString;
        await using var host = await BoonHost.BuildAsync(
            new HostOptions(folder, urls ?? Settings.Urls.Of(configuration) ?? FreeUrl(), Quiet: true, Settings: settings), ct);
        await host.StartAsync(ct);
        Console.WriteLine($"Boon serves at {host.Url} on a fresh database.");

        using var client = new DemoClient(host.Url, FirstHundred.Connections);
        var held = await new FirstHundred(client, password, members).RunAsync(ct);
        AnsiConsole.MarkupLine(held ? "[green]Every check holds.[/]" : "[red]Some checks failed.[/]");
        Console.WriteLine($"""

            API      {host.Url}/v1/...
            Docs     {host.Url}/docs      (description: {host.Url}/openapi/v1.json)
            Metrics  {host.Url}/metrics
            Operator username operator, password {password}
            """);
        if (!once)
        {
            Console.WriteLine("\nServing until Ctrl-C. Then the demo's database is dropped.");
            await host.WaitAsync(ct);
            Console.WriteLine("Stopping...");
        }
        return held ? 0 : 1;
    }

    /// <summary>The usual address, or another port of this machine when that one is taken.</summary>
    private static string FreeUrl()
    {
        foreach (var port in (int[])[DefaultPort, 0])
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
            }
            catch (SocketException) when (port != 0)
            {
                // taken: let the system choose
            }
        throw new SetupException("No port of this machine is free.");
    }
}
