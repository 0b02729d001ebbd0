using System.Diagnostics.CodeAnalysis;

namespace Boon.Platform.Input;

/// <summary>Collects what is wrong with a request, field by field, so that a caller sees all of it at once.</summary>
public sealed class Validation
{
    private readonly Dictionary<string, List<string>> errors = new(StringComparer.Ordinal);

    /// <summary>True when nothing is wrong.</summary>
    public bool Ok => errors.Count == 0;

    /// <summary>What is wrong, by field in camelCase.</summary>
    public IReadOnlyDictionary<string, string[]> Errors =>
        errors.ToDictionary(error => error.Key, error => error.Value.ToArray(), StringComparer.Ordinal);

    /// <summary>Notes a fault of a field.</summary>
    public void Fail(string field, string message)
    {
        if (!errors.TryGetValue(field, out var messages))
            errors[field] = messages = [];
        messages.Add(message);
    }

    /// <summary>Notes a fault unless the condition holds; answers the condition.</summary>
    public bool Check(bool condition, string field, string message)
    {
        if (!condition)
            Fail(field, message);
        return condition;
    }

    /// <summary>Notes that a required field is missing; answers whether it is there.</summary>
    public bool Require([NotNullWhen(true)] object? value, string field)
    {
        if (value is null)
            Fail(field, "is required");
        return value is not null;
    }

    /// <summary>
    /// Checks a text: present if required, as many characters (code points) as it can have, and none that have no place in a text of its
    /// kind.
    /// </summary>
    public bool Text([NotNullWhen(true)] string? value, string field, int shortest, int longest, bool required = true,
        TextKind kind = TextKind.Key)
    {
        if (value is null)
            return required ? Require(value, field) : false;
        if (TextRules.Length(value.Trim()) < shortest || TextRules.Length(value) > longest)
            Fail(field, shortest == longest ? $"must have {longest} characters" : $"must have {shortest} to {longest} characters");
        else if (TextRules.Fault(value, kind) is { } fault)
            Fail(field, fault);
        else
            return true;
        return false;
    }
}
