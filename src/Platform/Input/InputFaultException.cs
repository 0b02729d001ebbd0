using System.Text.Json;

namespace Boon.Platform.Input;

/// <summary>A fault of a JSON body, in our own words for its sender. No other exception's text is ever sent.</summary>
public sealed class InputFaultException(string reason) : JsonException(reason)
{
    /// <summary>What is wrong.</summary>
    public string Reason { get; } = reason;
}
