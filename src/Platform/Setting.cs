using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform;

/// <summary>A setting as the list in <see cref="Settings"/> declares it.</summary>
/// <param name="Key">Its name, with <c>:</c> between the parts; a part in braces stands for any one name.</param>
/// <param name="CanBe">What its value can be, for people.</param>
/// <param name="Meaning">What it is for, as the guide says it.</param>
/// <param name="Default">What counts when it is not set, as the guide says it.</param>
public abstract record Setting(string Key, string CanBe, string Meaning, string Default)
{
    /// <summary>True for what must not be shown; it can be read from a file that <c>{Key}_FILE</c> names.</summary>
    public bool Secret { get; init; }

    /// <summary>Why a value cannot be, in one line; null when it can.</summary>
    public abstract string? Fault(string key, string text);

    /// <summary>True when a name is this setting's.</summary>
    internal bool Matches(string key)
    {
        var (mine, theirs) = (Key.Split(':'), key.Split(':'));
        return mine.Length == theirs.Length
            && mine.Zip(theirs).All(pair => pair.First[0] == '{'
                || string.Equals(pair.First, pair.Second, StringComparison.OrdinalIgnoreCase));
    }
}

/// <summary>Reads a value's text; false when it cannot be one.</summary>
public delegate bool SettingReader<T>(string text, [MaybeNullWhen(false)] out T value);

/// <summary>A setting whose value is read by <c>Read</c>, and is <c>Otherwise</c> when it is not set.</summary>
public sealed record Setting<T>(string Key, string CanBe, string Meaning, string Default, SettingReader<T> Read, T Otherwise)
    : Setting(Key, CanBe, Meaning, Default)
{
    /// <summary>What it is set to.</summary>
    /// <exception cref="SetupException">Its value cannot be.</exception>
    public T Of(IConfiguration configuration) => Of(configuration, Key, Otherwise);

    /// <summary>What a setting with a name of its own in its key is set to.</summary>
    public T Of(IConfiguration configuration, string key, T otherwise) => configuration[key] is not { Length: > 0 } text ? otherwise
        : Read(text, out var value) ? value
        : throw new SetupException(Fault(key, text)!);

    /// <inheritdoc/>
    public override string? Fault(string key, string text) =>
        Read(text, out _) ? null : $"{key} {(Secret ? "cannot be what it is set to" : $"is '{text}'")}; it can be {CanBe}.";
}
