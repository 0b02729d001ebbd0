using System.CommandLine;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Boon.Host.Demo;
using Boon.Platform;
using CsvHelper;
using Spectre.Console;

namespace Boon.Host.Commands;

/// <summary><c>boon coupons upload FILE</c>: sends a file of coupons to a Boon that serves, 50,000 in a request.</summary>
internal static class CouponsCommand
{
    /// <summary>What one request takes: all of them are stored, or none.</summary>
    private const int PerRequest = 50_000;

    /// <summary>A refused upload names its rows; so many are printed.</summary>
    private const int MostFaults = 20;

    /// <summary>Times that a request is sent while the server reads as many uploads as it can.</summary>
    private const int MostTries = 60;

    private sealed record Part(byte[] Body, string MediaType, int FirstRow, int Rows);

    internal static Command Create()
    {
        var file = new Argument<FileInfo>("file")
        {
            Description = "A .csv (header code,type,discountKind,discountValue,currency,expiresAt,maxUses,match) "
                + "or .json ({\"coupons\": [...]}) file.",
        };
        var url = new Option<string>("--url")
            { Description = "The address where Boon serves.", DefaultValueFactory = _ => Settings.Url.Of(FromEnvironment()) };
        var user = new Option<string>("--user")
            { Description = "An operator: username, e-mail or phone.", DefaultValueFactory = _ => "operator" };
        var upload = new Command("upload", "Uploads coupons. The command asks for the password, or takes it from Boon__Operator__Password. "
            + "A file of more than 50,000 rows is sent in several requests; each stores all of its rows or none. Uploading the same rows "
            + "again within 24 hours stores nothing twice.")
        { file, url, user };
        upload.SetAction((result, ct) =>
            UploadAsync(result.GetRequiredValue(file), result.GetRequiredValue(url), result.GetRequiredValue(user), ct));
        return new Command("coupons", "Works with coupons.") { upload };
    }

    private static IConfigurationRoot FromEnvironment() => new ConfigurationBuilder().AddEnvironmentVariables().Build();

    private static async Task<int> UploadAsync(FileInfo file, string url, string user, CancellationToken ct)
    {
        Cli.PlainWhenRedirected();
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
            throw new SetupException($"--url {url} is not an address, such as http://127.0.0.1:5080.");
        var parts = file.Extension.ToLowerInvariant() switch
        {
            ".csv" => await CsvPartsAsync(file, ct),
            ".json" => await JsonPartsAsync(file, ct),
            _ => throw new SetupException($"{file.Name} is neither a .csv nor a .json file."),
        };
        var password = FromEnvironment()[Settings.OperatorPassword.Key];
        if (string.IsNullOrEmpty(password))
            password = Console.IsInputRedirected ? throw new SetupException("Set Boon__Operator__Password, or run this in a terminal.")
                : await new TextPrompt<string>($"Password of {user}:").Secret().ShowAsync(AnsiConsole.Console, ct);
        using var http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
        try
        {
            using (var client = new DemoClient(url, connections: 1))
            {
                var session = await client.SendAsync(HttpMethod.Post, "/v1/sessions", new { identifier = user, password }, null, ct);
                if (!session.Ok)
                    throw new SetupException($"The sign-in of {user} was refused: {session.Refusal}.");
                http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                    "Bearer", session.Body.GetProperty("accessToken").GetString());
            }
            return await AnsiConsole.Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new SpinnerColumn())
                .StartAsync(async progress =>
                {
                    var bar = progress.AddTask(
                        $"{parts.Sum(part => part.Rows):N0} coupons", maxValue: parts.Sum(part => (double)part.Body.Length));
                    var uploaded = 0;
                    foreach (var part in parts)
                    {
                        if (await SendAsync(http, part, bar, ct) is { } refusal)
                        {
                            await Console.Error.WriteLineAsync(
                                $"{refusal}{(uploaded > 0 ? $"\nThe {uploaded:N0} rows before these were uploaded." : "")}");
                            return 1;
                        }
                        uploaded += part.Rows;
                    }
                    bar.StopTask();
                    Console.WriteLine($"{uploaded:N0} coupons uploaded.");
                    return 0;
                });
        }
        catch (HttpRequestException error)
        {
            throw new SetupException(
                $"Boon does not answer at {url} ({error.Message}). Start it with ./boon serve, or give its address with --url.", error);
        }
    }

    /// <summary>Sends one request; answers null, or why it was refused.</summary>
    private static async Task<string?> SendAsync(HttpClient http, Part part, ProgressTask bar, CancellationToken ct)
    {
        using var response = await PostAsync(http, part, bar, ct);
        if (response.IsSuccessStatusCode)
            return null;
        var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(ct));
        var text = new StringBuilder($"Rows {part.FirstRow:N0} to {part.FirstRow + part.Rows - 1:N0} were refused "
            + $"({problem.GetProperty("code").GetString()}): {problem.GetProperty("detail").GetString()}");
        if (problem.TryGetProperty("errors", out var faults) && faults.ValueKind == JsonValueKind.Array)
            foreach (var fault in faults.EnumerateArray().Take(MostFaults))
            {
                var field = fault.TryGetProperty("field", out var named) ? named.GetString() + " " : "";
                var row = part.FirstRow - 1 + fault.GetProperty("row").GetInt32();
                text.Append($"\n  row {row:N0}: {field}{fault.GetProperty("reason").GetString()}");
            }
        return text.ToString();
    }

    /// <summary>Sends a part, again and again as long as the server asks to come later.</summary>
    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, Part part, ProgressTask bar, CancellationToken ct)
    {
        var before = bar.Value;
        for (var tries = 1; ; tries++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/coupons") { Content = new ProgressContent(part.Body, bar) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(part.MediaType);
            request.Headers.Add("Idempotency-Key", "upload-" + Convert.ToHexStringLower(SHA256.HashData(part.Body)));
            var response = await http.SendAsync(request, ct);
            if (response.StatusCode != System.Net.HttpStatusCode.TooManyRequests || tries == MostTries)
                return response;
            var later = response.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1);
            response.Dispose();
            bar.Value = before;
            await Task.Delay(later, ct);
        }
    }

    private static async Task<List<Part>> CsvPartsAsync(FileInfo file, CancellationToken ct)
    {
        var parts = new List<Part>();
        await using var stream = file.OpenRead();
        await using var csv = CsvReader.Create(
            stream, new CsvReaderOptions { Separator = ',', HasHeader = false, Encoding = Encoding.UTF8 }, leaveOpen: true);
        if (!await csv.ReadAsync(ct))
            throw new SetupException($"{file.Name} is empty.");
        var header = Line(csv.RawRecord);
        var part = new MemoryStream();
        var (rows, first) = (0, 1);
        while (await csv.ReadAsync(ct))
        {
            if (rows == 0)
                part.Write(header);
            part.Write(Line(csv.RawRecord));
            if (++rows == PerRequest)
                Finish();
        }
        if (rows > 0)
            Finish();
        return parts.Count > 0 ? parts : throw new SetupException($"{file.Name} has a header and no rows.");

        void Finish()
        {
            parts.Add(new Part(part.ToArray(), "text/csv", first, rows));
            part.SetLength(0);
            first += rows;
            rows = 0;
        }

        static byte[] Line(ReadOnlySpan<byte> raw) => [.. raw.TrimEnd("\r\n"u8), (byte)'\n'];
    }

    private static async Task<List<Part>> JsonPartsAsync(FileInfo file, CancellationToken ct)
    {
        await using var stream = file.OpenRead();
        JsonElement coupons;
        try
        {
            using var document = await JsonDocument.ParseAsync(stream, cancellationToken: ct);
            coupons = document.RootElement.GetProperty("coupons").Clone();
            if (coupons.GetArrayLength() == 0)
                throw new SetupException($"{file.Name} has no coupons.");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new SetupException($"{file.Name} is not {{\"coupons\": [...]}}: {error.Message}", error);
        }
        return [.. coupons.EnumerateArray().Chunk(PerRequest).Select((chunk, index) =>
            new Part(JsonSerializer.SerializeToUtf8Bytes(new { coupons = chunk }), "application/json", (index * PerRequest) + 1,
                chunk.Length))];
    }

    /// <summary>A body that moves a progress bar while it is sent.</summary>
    private sealed class ProgressContent(byte[] body, ProgressTask bar) : HttpContent
    {
        private const int Step = 64 * 1024;

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            for (var at = 0; at < body.Length; at += Step)
            {
                var count = Math.Min(Step, body.Length - at);
                await stream.WriteAsync(body.AsMemory(at, count));
                bar.Increment(count);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
