using System.Text.Json;

namespace Boon.Platform.Log;

/// <summary>
/// What is personal in events, which stays in the log of their module and is erased there.
/// </summary>
public static class PersonalMembers
{
    /// <summary>The event as other databases may keep it. The data of an event without personal members stays byte for byte.</summary>
    public static LoggedEvent WithoutPersonal(this LoggedEvent e, EventTypes types)
    {
        if (!types.Personal.TryGetValue(e.Type, out var personal))
            return e;
        using var data = e.Data();
        if (data.RootElement.ValueKind != JsonValueKind.Object
            || !data.RootElement.EnumerateObject().Any(member => personal.Contains(member.Name, StringComparer.Ordinal)))
            return e;
        using var left = new MemoryStream();
        using (var writer = new Utf8JsonWriter(left))
        {
            writer.WriteStartObject();
            foreach (var member in data.RootElement.EnumerateObject())
                if (!personal.Contains(member.Name, StringComparer.Ordinal))
                    member.WriteTo(writer);
            writer.WriteEndObject();
        }
        return e with { Payload = left.ToArray() };
    }
}
