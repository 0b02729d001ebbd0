namespace Boon.Greetings.Sending;

/// <summary>What a user said.</summary>
internal sealed class Greeting
{
    internal const int LongestText = 100;

    public Guid Id { get; init; }

    public Guid UserId { get; init; }

    public string Text { get; init; } = "";
}
