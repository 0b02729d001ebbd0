using System.Text.Json;
using Boon.Platform.Access;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Boon.Platform.Operations;

/// <summary>
/// Hands operators a module's whole log, or the rest of it, as newline-delimited JSON: an event in each line, in log order.
/// </summary>
internal static class DownloadLog
{
    private const string ContentType = "application/x-ndjson";

    /// <summary>Bytes between two flushes.</summary>
    private const int FlushAt = 64 * 1024;

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/logs/{module}", Handle)
        .ForOperators().WithTags("Events")
        .WithSummary("A module's log as NDJSON (`application/x-ndjson`): a CloudEvent in each line, in log order, up to now.")
        .WithDescription("`?after=` with the `sequence` of a line gives what came after it, "
            + "so that a download can continue where it ended.")
        .Produces<string>(StatusCodes.Status200OK, ContentType)
        .Refuses(StatusCodes.Status404NotFound, "not-found");

    private static Task<IResult> Handle(
        string module, string? after, HttpContext http, IEnumerable<HostedModule> modules, LogBarrier barrier,
        IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, CancellationToken ct) =>
        AnswerAsync(module, after, http, modules, barrier, json, e => e, ct);

    /// <summary>Answers a hosted module's log after a sequence, each event as <paramref name="shown"/> shows it.</summary>
    internal static async Task<IResult> AnswerAsync(
        string module, string? after, HttpContext http, IEnumerable<HostedModule> modules, LogBarrier barrier,
        IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, Func<LoggedEvent, LoggedEvent> shown, CancellationToken ct)
    {
        if (modules.FirstOrDefault(hosted => hosted.Name == module) is not { } log)
            return Problems.NotFound("log");
        var from = 0L;
        var validation = new Validation();
        validation.Check(after is null || (long.TryParse(after, out from) && from >= 0), "after", "must be a sequence");
        if (!validation.Ok)
            return Problems.Invalid(validation);
        // Whoever has just got an answer finds its events in the download.
        await barrier.SettleAsync(module, ct);
        var head = await EventReader.HeadAsync(log.Database.Source, log.Database.Schema, ct);
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"boon-{module}.ndjson\"";
        return TypedResults.Stream(
            stream => WriteAsync(stream, log.Database, from, head, shown, json.Value.SerializerOptions, ct), ContentType);
    }

    private static async Task WriteAsync(
        Stream stream, ModuleDatabase database, long after, long head, Func<LoggedEvent, LoggedEvent> shown, JsonSerializerOptions options,
        CancellationToken ct)
    {
        using var buffer = new MemoryStream(2 * FlushAt);
        await using var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = options.Encoder, SkipValidation = true });
        await foreach (var e in EventReader.ReadAllAsync(database.Source, LogPlace.Own(database), after, head, types: null, ct))
        {
            JsonSerializer.Serialize(writer, ListEvents.EventView.Of(shown(e)), options);
            writer.Flush();
            writer.Reset();
            buffer.WriteByte((byte)'\n');
            if (buffer.Length >= FlushAt)
                await FlushAsync();
        }
        await FlushAsync();

        async Task FlushAsync()
        {
            await stream.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), ct);
            buffer.SetLength(0);
        }
    }
}
