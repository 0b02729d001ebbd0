namespace Boon.Platform;

/// <summary>The roles that a caller can have, as tokens carry them and as events say who caused them.</summary>
public static class Role
{
    /// <summary>Everybody who signed up.</summary>
    public const string Member = "member";

    /// <summary>Those who run campaigns.</summary>
    public const string Operator = "operator";

    /// <summary>Whoever has an API key.</summary>
    public const string ApiKey = "api-key";
}
