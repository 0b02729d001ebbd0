using System.Runtime.CompilerServices;
using System.Text.Json;
using Boon.Platform.Log;

namespace Boon.Platform.Operations;

/// <summary>Reads a log that was downloaded from <c>/internal/logs/{module}</c> back into events.</summary>
public static class LogLines
{
    /// <summary>The events of a download, in log order.</summary>
    /// <exception cref="JsonException">A line is no event of this log, or the download was cut off inside one.</exception>
    public static async IAsyncEnumerable<LoggedEvent> ReadAsync(
        Stream lines, string source, [EnumeratorCancellation] CancellationToken ct)
    {
        using var reader = new StreamReader(lines, leaveOpen: true);
        while (await reader.ReadLineAsync(ct) is { } line)
        {
            var view = JsonSerializer.Deserialize<ListEvents.EventView>(line, Lines) ?? throw new JsonException("A line is null.");
            if (view.Source != $"/{source}")
                throw new JsonException($"An event of {view.Source} is no event of {source}.");
            yield return view.Event();
        }
    }

    /// <summary>What was logged is taken as it is, however deep it nests: it was checked when it came.</summary>
    private static JsonSerializerOptions Lines { get; } = new(JsonSerializerDefaults.Web) { MaxDepth = 1_000 };
}
