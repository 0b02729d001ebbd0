using System.Globalization;
using System.Text.Json;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Boon.Platform.Http;

/// <summary>Says what is wrong with a JSON body: where, by its path, and what, in our own words.</summary>
internal static class InvalidJson
{
    internal static ProblemHttpResult Problem(JsonException error)
    {
        var field = error.Path is null or "$"
            ? null : Problems.Clip(error.Path.StartsWith("$.", StringComparison.Ordinal) ? error.Path[2..] : error.Path);
        var reason = Reason(error);
        return Problems.Of(StatusCodes.Status400BadRequest, "invalid-json",
            $"The body is not the JSON that this call takes: {(field is null ? "it" : field)} {reason}",
            field is null ? null : new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [reason] });
    }

    private static string Reason(JsonException error)
    {
        if (error is InputFaultException fault)
            return fault.Reason;
        // The serializer tells its faults apart by their texts only.
        bool Says(string words) => error.Message.Contains(words, StringComparison.OrdinalIgnoreCase);
        if (Says("could not be mapped to any .NET member"))
            return "is not a member of this call's body";
        if (Says("could not be converted"))
            return "has the wrong type or is out of range";
        if (Says("allow null"))
            return "must not be null";
        if (Says("maximum") && Says("depth"))
            return "nests deeper than this call accepts";
        if (Says("duplicate"))
            return "appears more than once";
        return error.LineNumber is { } line && error.BytePositionInLine is { } place
            ? string.Create(CultureInfo.InvariantCulture, $"is not JSON from line {line + 1}, byte {place + 1} on")
            : "is no JSON";
    }
}
